use std::rc::Rc;

use super::page::Page;
use crate::js;
use leptos::prelude::*;

/// Listens to events that may precede the end of the page, and to changes of the network.
///
/// The handlers for the end of the page must not wait. They issue all writes before they return.
pub(super) fn listen(page: &Rc<Page>) {
    // The listeners are never removed, since the database stays open as long as the page.
    let turned = Rc::clone(page);
    let _ = window_event_listener_untyped("visibilitychange", move |_| {
        let is_hidden = js::get(&document(), "hidden");
        match is_hidden.is_ok_and(|is_hidden| is_hidden.is_truthy()) {
            true => turned.flush(),
            false => turned.hurry(),
        }
    });
    let left = Rc::clone(page);
    let _ = window_event_listener_untyped("pagehide", move |_| left.close());
    let cut_off = Rc::clone(page);
    let _ = window_event_listener_untyped("offline", move |_| cut_off.disconnect());
    let back = Rc::clone(page);
    let _ = window_event_listener_untyped("online", move |_| back.hurry());
}
