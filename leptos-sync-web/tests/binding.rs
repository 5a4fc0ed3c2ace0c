//! Inputs that are bound to nodes, in a real browser.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use std::time::Duration;

use common::{Scratch, until};
use futures::channel::oneshot;
use leptos::{mount::mount_to, prelude::*, task::tick};
use leptos_sync_core::limits;
use leptos_sync_web::{
    Clock, Crdt, Doc, LiveDoc, LwwMap, LwwRegister, MvRegister, Node, OrSet, ReplicaId,
    SyncOptions, UseDocReturn, provide_sync, use_doc,
};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Element, Event, HtmlInputElement, HtmlTextAreaElement};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Form {
    title: LwwRegister<String>,
    amount: LwwRegister<String>,
    agreed: LwwRegister<bool>,
    nickname: LwwRegister<Option<String>>,
    notes: LwwMap<u32, String>,
    ticks: LwwMap<String, bool>,
    labels: OrSet<String>,
    draft: MvRegister<String>,
}

/// A form on the page, and another copy of its document.
struct Page<F> {
    form: Node<Form>,
    live: LiveDoc<Form>,
    theirs: Doc<Form>,
    host: Element,
    _mounted: F,
}

fn doc(replica: u64) -> Doc<Form> {
    Doc::new(Clock::system(ReplicaId::new(replica)))
}

/// Mounts the view that `view` creates for a form.
async fn page<V: IntoView + 'static>(view: fn(Node<Form>) -> V) -> Page<impl Sized> {
    let live = LiveDoc::new(doc(1));
    let host = document().create_element("div").unwrap();
    document().body().unwrap().append_child(&host).unwrap();
    let (shown, send) = (live.clone(), StoredValue::new(None));
    let mounted = mount_to(host.clone().unchecked_into(), move || {
        let form = shown.node();
        send.set_value(Some(form));
        view(form)
    });
    tick().await;
    let form = send.get_value().unwrap();
    Page {
        form,
        live,
        theirs: doc(2),
        host,
        _mounted: mounted,
    }
}

impl<F> Page<F> {
    fn input(&self) -> HtmlInputElement {
        let input = self.host.query_selector("input").unwrap().unwrap();
        input.unchecked_into()
    }

    /// Receives a remote edit that changes the title to `text`.
    async fn receive(&mut self, text: &str) {
        let seen = self.live.delta_since(self.theirs.version()).unwrap();
        self.theirs.apply(&seen).unwrap();
        let written = self.theirs.transact(|tx| tx.title().set(text.to_owned()));
        self.live.apply(&written.unwrap().delta).unwrap();
        tick().await;
    }

    /// Sets the title to `text` and places the user's caret in it.
    async fn caret_in(&mut self, text: &str, start: u32, end: u32) {
        self.form.title().set(text.to_owned());
        settled().await;
        self.input().focus().unwrap();
        self.input().set_selection_range(start, end).unwrap();
    }
}

/// Waits until effects have run, together with everything that they and event handlers queued for
/// the next task.
async fn settled() {
    tick().await;
    let (done, waiting) = oneshot::channel();
    set_timeout(move || done.send(()).unwrap(), Duration::ZERO);
    waiting.await.unwrap();
}

fn enter(input: &HtmlInputElement, text: &str) {
    input.set_value(text);
    fire(input, "input");
}

fn fire(element: &Element, name: &str) {
    let init = web_sys::EventInit::new();
    init.set_bubbles(true);
    let event = Event::new_with_event_init_dict(name, &init).unwrap();
    element.dispatch_event(&event).unwrap();
}

fn selection(input: &HtmlInputElement) -> (String, u32, u32) {
    let start = input.selection_start().unwrap().unwrap();
    let end = input.selection_end().unwrap().unwrap();
    (input.value(), start, end)
}

fn title(form: Node<Form>) -> impl IntoView {
    view! { <input bind:value=form.title() /> }
}

#[wasm_bindgen_test]
async fn a_text_input_shows_and_writes_a_register() {
    let page = page(title).await;
    page.form.title().set("shown".to_owned());
    settled().await;
    assert_eq!(page.input().value(), "shown");
    enter(&page.input(), "typed");
    assert_eq!(page.form.title().get_untracked(), "typed");
}

/// The document never had the text, so no change of the document reaches the field.
#[wasm_bindgen_test]
async fn a_field_shows_the_document_again_once_its_rejected_text_is_dismissed() {
    let scratch = Scratch::new("too-long");
    let owner = Owner::new();
    owner.set();
    let (send, shown) = oneshot::channel();
    let host = document().create_element("div").unwrap();
    let options = SyncOptions::default().database(scratch.name());
    let _mounted = mount_to(host.clone().unchecked_into(), move || {
        provide_sync(options);
        let page: UseDocReturn<Form> = use_doc("form");
        let _ = send.send(page.clone());
        view! { <input bind:value=page.doc.title() /> }
    });
    let page = shown.await.unwrap();
    until(move || !page.loading.get()).await;
    let input: HtmlInputElement = host
        .query_selector("input")
        .unwrap()
        .unwrap()
        .unchecked_into();
    enter(&input, "short");
    settled().await;
    enter(&input, &"long".repeat(limits::VALUE_BYTES / 4 + 1));
    settled().await;
    let rejected = page.rejected.get_untracked();
    assert_eq!(rejected.len(), 1);
    assert!(input.value().starts_with("long"), "the user can shorten it");
    rejected.dismiss_all();
    settled().await;
    assert_eq!(input.value(), "short");
}

#[wasm_bindgen_test]
async fn a_checkbox_shows_and_writes_a_register() {
    let page = page(|form| view! { <input type="checkbox" bind:checked=form.agreed() /> }).await;
    page.form.agreed().set(true);
    tick().await;
    assert!(page.input().checked());
    page.input().click();
    assert!(!page.form.agreed().get_untracked());
}

#[wasm_bindgen_test]
async fn an_entry_without_a_value_shows_empty_and_typing_creates_it() {
    let page = page(|form| view! { <input bind:value=form.notes().entry(7) /> }).await;
    assert_eq!(page.input().value(), "");
    assert_eq!(page.form.notes().keys().get_untracked(), [0; 0]);
    enter(&page.input(), "a note");
    let entry = page.form.notes().entry(7);
    assert_eq!(entry.get_untracked().as_deref(), Some("a note"));
    entry.remove();
    settled().await;
    assert_eq!(page.input().value(), "");
    enter(&page.input(), "");
    assert_eq!(entry.get_untracked().as_deref(), Some(""));
}

#[wasm_bindgen_test]
async fn an_entry_without_a_value_shows_unchecked_and_a_click_creates_it() {
    let page = page(|form| {
        let entry = form.ticks().entry("terms".to_owned());
        view! { <input type="checkbox" bind:checked=entry /> }
    });
    let page = page.await;
    assert!(!page.input().checked());
    page.input().click();
    let entry = page.form.ticks().entry("terms".to_owned());
    assert_eq!(entry.get_untracked(), Some(true));
    entry.set(None);
    tick().await;
    assert!(!page.input().checked());
}

#[wasm_bindgen_test]
async fn a_checkbox_shows_and_changes_whether_a_set_has_an_element() {
    let page = page(|form| {
        let urgent = form.labels().member("urgent".to_owned());
        view! { <input type="checkbox" bind:checked=urgent /> }
    });
    let page = page.await;
    assert!(!page.input().checked());
    page.form.labels().insert("urgent".to_owned());
    tick().await;
    assert!(page.input().checked());
    page.input().click();
    assert!(page.form.labels().with_untracked(OrSet::is_empty));
}

#[wasm_bindgen_test]
async fn a_text_input_shows_the_latest_of_concurrent_values_and_replaces_them() {
    let mut page = page(|form| view! { <input bind:value=form.draft() /> }).await;
    let theirs = page
        .theirs
        .transact(|tx| tx.draft().set("theirs".to_owned()));
    page.form.draft().set("ours".to_owned());
    page.live.apply(&theirs.unwrap().delta).unwrap();
    settled().await;
    let values = page.form.draft().values();
    assert_eq!(values.len(), 2);
    assert_eq!(values.first(), Some(&page.input().value()));
    enter(&page.input(), "both");
    assert_eq!(page.form.draft().values(), ["both"]);
}

#[wasm_bindgen_test]
async fn a_register_of_an_option_a_text_area_a_select_and_radio_buttons_are_bound() {
    let page = page(|form| {
        view! {
            <input bind:value=form.nickname() />
            <textarea bind:value=form.title()></textarea>
            <select bind:value=form.amount()><option>"one"</option><option>"two"</option></select>
            <p>
                <input type="radio" name="amount" value="one" bind:group=form.amount() />
                <input type="radio" name="amount" value="two" bind:group=form.amount() />
            </p>
        }
    })
    .await;
    let find = |selector: &str| page.host.query_selector(selector).unwrap().unwrap();
    enter(&page.input(), "Ada");
    let nickname = page.form.nickname().get_untracked();
    assert_eq!(nickname.as_deref(), Some("Ada"));

    page.form.title().set("two\nlines".to_owned());
    page.form.amount().set("two".to_owned());
    settled().await;
    let area: HtmlTextAreaElement = find("textarea").unchecked_into();
    assert_eq!(area.value(), "two\nlines");
    let select: web_sys::HtmlSelectElement = find("select").unchecked_into();
    assert_eq!(select.value(), "two");
    let radio = |value: &str| -> HtmlInputElement {
        find(&format!("input[value={value}]")).unchecked_into()
    };
    assert!(radio("two").checked());
    radio("one").click();
    assert_eq!(page.form.amount().get_untracked(), "one");
}

#[wasm_bindgen_test]
async fn the_caret_keeps_its_place_in_the_text_when_a_remote_edit_arrives() {
    let mut page = page(title).await;
    page.caret_in("buy milk", 3, 3).await;
    page.receive("buy milk and eggs").await;
    assert_eq!(selection(&page.input()), ("buy milk and eggs".into(), 3, 3));
    page.receive("please buy milk and eggs").await;
    let expected = ("please buy milk and eggs".into(), 10, 10);
    assert_eq!(selection(&page.input()), expected);
}

#[wasm_bindgen_test]
async fn a_selection_stays_on_its_words_and_keeps_its_direction() {
    let mut page = page(title).await;
    page.caret_in("buy milk", 4, 8).await;
    let input = page.input();
    input
        .set_selection_range_with_direction(4, 8, "backward")
        .unwrap();
    page.receive("buy some milk").await;
    assert_eq!(selection(&input), ("buy some milk".into(), 9, 13));
    let direction = input.selection_direction().unwrap();
    assert_eq!(direction.as_deref(), Some("backward"));
}

#[wasm_bindgen_test]
async fn typing_does_not_move_the_caret() {
    let mut page = page(title).await;
    page.caret_in("by milk", 1, 1).await;
    let input = page.input();
    input.set_range_text_with_start_and_end("u", 1, 1).unwrap();
    input.set_selection_range(2, 2).unwrap();
    fire(&input, "input");
    settled().await;
    assert_eq!(selection(&input), ("buy milk".into(), 2, 2));
    assert_eq!(page.form.title().get_untracked(), "buy milk");
}

#[wasm_bindgen_test]
async fn a_field_without_the_focus_shows_an_edit_and_does_not_take_the_focus() {
    let mut page = page(title).await;
    page.caret_in("buy milk", 3, 3).await;
    page.input().blur().unwrap();
    page.receive("please buy milk").await;
    settled().await;
    assert_eq!(page.input().value(), "please buy milk");
    let input: Element = page.input().unchecked_into();
    assert_ne!(document().active_element(), Some(input));
}

#[wasm_bindgen_test]
async fn a_text_area_keeps_its_caret() {
    let mut page = page(|form| view! { <textarea bind:value=form.title()></textarea> }).await;
    page.form.title().set("buy\nmilk".to_owned());
    settled().await;
    let area = page.host.query_selector("textarea").unwrap().unwrap();
    let area: HtmlTextAreaElement = area.unchecked_into();
    area.focus().unwrap();
    area.set_selection_range(4, 4).unwrap();
    page.receive("please buy\nmilk").await;
    assert_eq!(area.value(), "please buy\nmilk");
    assert_eq!(area.selection_start().unwrap(), Some(11));
}

#[wasm_bindgen_test]
async fn a_number_field_which_has_no_caret_to_keep_shows_an_edit() {
    let mut page = page(|form| view! { <input type="number" bind:value=form.title() /> }).await;
    page.input().focus().unwrap();
    page.receive("42").await;
    assert_eq!(page.input().value(), "42");
}

#[wasm_bindgen_test]
async fn an_input_method_is_not_interrupted_and_the_edit_shows_afterwards() {
    let mut page = page(title).await;
    page.caret_in("milk", 4, 4).await;
    let input = page.input();
    fire(&input, "compositionstart");
    input.set_value("milk ni");
    page.receive("oat milk").await;
    assert_eq!(input.value(), "milk ni", "as the input method left it");
    fire(&input, "compositionend");
    settled().await;
    assert_eq!(input.value(), "oat milk");
}

#[wasm_bindgen_test]
async fn what_an_input_method_entered_after_an_edit_arrived_is_the_later_write() {
    let mut page = page(title).await;
    page.caret_in("milk", 4, 4).await;
    let input = page.input();
    fire(&input, "compositionstart");
    page.receive("oat milk").await;
    fire(&input, "compositionend");
    // Some browsers fire the last input event after the end of the composition.
    enter(&input, "milk に");
    settled().await;
    assert_eq!(input.value(), "milk に");
    assert_eq!(page.form.title().get_untracked(), "milk に");
}
