use std::rc::{Rc, Weak};

use super::page::Page;
use crate::js;
use leptos::{leptos_dom::helpers::WindowListenerHandle, prelude::*};

type Listener = fn(&Page);

/// Listens to events that may precede the end of the page, and to changes of the network.
///
/// The handlers for the end of the page must not wait. They issue all writes before they return.
/// Returns the listeners, which stay until they are removed.
pub(super) fn listen(page: &Rc<Page>) -> Vec<WindowListenerHandle> {
    // One type of closure for all, so that a page contains its code once.
    let listeners: [(_, Listener); 4] = [
        ("visibilitychange", turned),
        ("pagehide", Page::flush),
        ("offline", Page::disconnect),
        ("online", Page::hurry),
    ];
    let listen = |(event, listener): (_, Listener)| {
        let page: Weak<Page> = Rc::downgrade(page);
        window_event_listener_untyped(event, move |_| {
            if let Some(page) = page.upgrade() {
                listener(&page);
            }
        })
    };
    listeners.map(listen).into()
}

/// Handles the event that the page was hidden or shown.
fn turned(page: &Page) {
    let is_hidden = js::get(&document(), "hidden");
    match is_hidden.is_ok_and(|is_hidden| is_hidden.is_truthy()) {
        true => page.flush(),
        false => page.hurry(),
    }
}
