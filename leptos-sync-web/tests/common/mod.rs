//! Databases for single tests, and direct access to the browser.
#![allow(dead_code, unused_imports, reason = "each test crate uses a part")]
#![allow(clippy::expect_used, reason = "a panic here is a failed test")]

mod relay;
mod tab;

use futures::StreamExt as _;
use indexed_db_futures::database::Database;
use js_sys::{Function, Math, Object, Reflect};
use leptos::prelude::Effect;
use leptos_sync_web::storage::IndexedDbStorage;
use wasm_bindgen::JsValue;

pub(crate) use relay::Relay;
pub(crate) use tab::Tab;

/// A database that no other test uses, by its name.
pub(crate) struct Scratch(String);

impl Scratch {
    pub(crate) fn new(test: &str) -> Self {
        Self(format!("test-{test}-{}-{}", Math::random(), Math::random()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    pub(crate) async fn open(&self) -> IndexedDbStorage {
        IndexedDbStorage::open(&self.0).await.expect("a database")
    }

    /// Deletes the database, as another tab would.
    pub(crate) async fn delete(&self) {
        Database::delete_by_name(&self.0)
            .expect("a request")
            .await
            .expect("a deletion");
    }
}

/// Opens a database at a version, with any content, and closes it. Fails if it is blocked.
pub(crate) async fn raw_open(name: &str, version: u32) -> Result<(), String> {
    let blocked = std::rc::Rc::new(std::cell::Cell::new(false));
    let seen = std::rc::Rc::clone(&blocked);
    let database = Database::open(name)
        .with_version(version)
        .with_on_blocked(move |_| {
            seen.set(true);
            Ok(())
        })
        .with_on_upgrade_needed(|_, _| Ok(()))
        .await
        .map_err(|error| error.to_string())?;
    database.close();
    if blocked.get() {
        Err("blocked".into())
    } else {
        Ok(())
    }
}

/// Runs `work` while `window.indexedDB` is the value of a JavaScript expression.
pub(crate) async fn with_indexed_db<T>(js: &str, work: impl AsyncFnOnce() -> T) -> T {
    let window = js_sys::global();
    let name = JsValue::from_str("indexedDB");
    let genuine = Object::get_own_property_descriptor(&window, &name);
    let fake = Function::new_no_args(&format!("return {{ value: {js}, configurable: true }}"));
    let fake = fake.call0(&JsValue::UNDEFINED).expect("an object");
    Object::define_property(&window, &name, &fake.into());
    let result = work().await;
    Reflect::delete_property(&window, &name).expect("a property of our own");
    if !genuine.is_undefined() {
        Object::define_property(&window, &name, &genuine.into());
    }
    result
}

/// Returns the time in milliseconds, to measure durations.
pub(crate) fn now() -> f64 {
    web_sys::window()
        .and_then(|window| window.performance())
        .map_or(0.0, |clock| clock.now())
}

/// Runs `work` while a property of `navigator` is the value of a JavaScript expression.
pub(crate) async fn with_navigator<T>(
    property: &str,
    js: &str,
    work: impl AsyncFnOnce() -> T,
) -> T {
    let navigator: Object = web_sys::window().expect("a window").navigator().into();
    let name = JsValue::from_str(property);
    let fake = Function::new_no_args(&format!("return {{ value: {js}, configurable: true }}"));
    let fake = fake.call0(&JsValue::UNDEFINED).expect("an object");
    Object::define_property(&navigator, &name, &fake.into());
    let result = work().await;
    Reflect::delete_property(&navigator, &name).expect("a property of our own");
    result
}

/// Waits for some milliseconds. Tests use this where the browser offers no event.
pub(crate) async fn sleep(milliseconds: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let window = web_sys::window().expect("a window");
        let _ =
            window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
    });
    wasm_bindgen_futures::JsFuture::from(promise)
        .await
        .expect("a timer");
}

/// Replaces a method of a browser class until this is dropped.
pub(crate) struct Patch {
    prototype: JsValue,
    method: &'static str,
    genuine: JsValue,
}

impl Patch {
    /// Replaces a method with JavaScript code, which may call the `genuine` one. Its parameters are
    /// `value, key`.
    pub(crate) fn method(class: &str, method: &'static str, body: &str) -> Self {
        let class = Reflect::get(&js_sys::global(), &class.into()).expect("a class");
        let prototype = Reflect::get(&class, &"prototype".into()).expect("a prototype");
        let genuine = Reflect::get(&prototype, &method.into()).expect("a method");
        let source = format!("return function(value, key) {{ {body} }}");
        let fake = Function::new_with_args("genuine", &source)
            .call1(&JsValue::UNDEFINED, &genuine)
            .expect("a function");
        Reflect::set(&prototype, &method.into(), &fake).expect("a writable method");
        Self {
            prototype,
            method,
            genuine,
        }
    }
}

impl Drop for Patch {
    fn drop(&mut self) {
        Reflect::set(&self.prototype, &self.method.into(), &self.genuine)
            .expect("a writable method");
    }
}

/// Reads a number that JavaScript code has set.
pub(crate) fn global(name: &str) -> Option<f64> {
    Reflect::get(&js_sys::global(), &name.into()).ok()?.as_f64()
}

/// Sets a number for JavaScript code.
pub(crate) fn set_global(name: &str, value: i32) {
    Reflect::set(&js_sys::global(), &name.into(), &value.into()).expect("a global");
}

/// Waits until `is`, which reads signals, returns true.
pub(crate) async fn until(is: impl Fn() -> bool + 'static) {
    let (tell, mut told) = futures::channel::mpsc::unbounded();
    let effect = Effect::new(move || {
        if is() {
            let _ = tell.unbounded_send(());
        }
    });
    told.next().await;
    effect.stop();
}
