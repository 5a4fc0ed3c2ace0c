//! Pages whose WebSocket does not open: they ask the relay why, and report the cause of now.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use any_spawner::Executor;
use common::{Scratch, global as global_number, until};
use js_sys::{Function, Reflect, global};
use leptos::prelude::*;
use leptos_sync_web::{
    Connection, Crdt, LwwRegister, SyncOptions, provide_sync, status::Cause, use_doc,
};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
}

/// A WebSocket that never opens.
const SOCKET: &str = "return class {
    constructor() { setTimeout(() => this.onclose?.(new Event('close'))) }
    close() {}
}";

/// A `fetch` that returns the answer in `answer`, and ends when it is aborted. It caches the first
/// answer, like a browser.
const FETCH: &str = "let kept;
    return (url, { signal, cache, mode }) => new Promise((resolve, reject) => {
        if (new URL(url).origin === location.origin && mode !== 'cors')
            globalThis.wasted = 1;
        if (signal?.aborted) return reject(signal.reason);
        signal?.addEventListener('abort', () => reject(signal.reason));
        const no = () => reject(new TypeError('Failed to fetch'));
        const silent = new ReadableStream({ start: it =>
            signal?.addEventListener('abort', () => it.error(signal.reason)) });
        const answers = {
            other: () => resolve(new Response('nothing here', { status: 404 })),
            hidden: () => mode === 'no-cors' ? resolve(new Response('')) : no(),
            relay: () => resolve(new Response('leptos-sync relay, protocol 1')),
            origin: () => resolve(new Response('leptos-sync relay: no pages of that origin', { status: 403 })),
            proxy: () => resolve(new Response('<!DOCTYPE html>Are you human?', { status: 403 })),
            portal: () => resolve(new Response('<!DOCTYPE html>Sign in to the hotel')),
            gone: no,
            silent: () => {},
            stops: () => resolve(new Response(silent)),
        };
        kept ??= answers[answer];
        (cache === 'no-store' ? answers[answer] : kept)();
    })";

/// Replaces a global of the page. It need not be restored, since the page ends with the test.
fn replace(name: &str, js: &str) {
    let value = Function::new_no_args(js).call0(&JsValue::UNDEFINED);
    Reflect::set(&global(), &name.into(), &value.unwrap()).unwrap();
}

/// Sets the later answers of the server.
fn serve(answer: &str) {
    Reflect::set(&global(), &"answer".into(), &answer.into()).unwrap();
}

#[wasm_bindgen_test]
async fn a_page_that_cannot_connect_reports_what_its_server_does_now() {
    serve("other");
    replace("WebSocket", SOCKET);
    replace("fetch", FETCH);
    // The page connects again immediately each time.
    js_sys::eval("setInterval(() => dispatchEvent(new Event('online')), 100)").unwrap();
    let _ = Executor::init_wasm_bindgen();
    let scratch = Scratch::new("probe");
    let owner = Owner::new();
    let page = owner.with(|| {
        let options = SyncOptions::default().database(scratch.name());
        provide_sync(options.relay("/sync"));
        use_doc::<Page>("first")
    });
    owner.set();
    let origin = Cause::OriginNotAllowed("no pages of that origin".into());
    for (answer, expected) in [
        ("other", Connection::Offline(Cause::NoRelay)),
        ("silent", Connection::Offline(Cause::Unreachable)),
        ("relay", Connection::Offline(Cause::NoWebSocket)),
        ("stops", Connection::Offline(Cause::Unreachable)),
        ("proxy", Connection::Offline(Cause::NoRelay)),
        ("origin", Connection::Refused(origin)),
        ("portal", Connection::Offline(Cause::NoRelay)),
        ("gone", Connection::Offline(Cause::Unreachable)),
    ] {
        serve(answer);
        until(move || page.connection.get() == expected).await;
    }

    assert_eq!(
        global_number("wasted"),
        None,
        "a second request learns nothing"
    );
    // The browser hides the answers of another origin.
    let owner = Owner::new();
    let page = owner.with(|| {
        let options = SyncOptions::default().database(scratch.name());
        provide_sync(options.relay("wss://relay.example/sync"));
        use_doc::<Page>("first")
    });
    serve("hidden");
    until(move || page.connection.get() == Connection::Offline(Cause::NoRelay)).await;
}
