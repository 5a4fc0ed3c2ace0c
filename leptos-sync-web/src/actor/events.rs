use std::rc::Rc;

use leptos::prelude::*;
use web_sys::VisibilityState;

use super::page::Page;

/// Listens to what a browser says before it may end the page: it was hidden, or it is being left. And to what it says when
/// the network is gone, and when what was out of reach may be there again.
///
/// Nothing may be awaited in the former. Everything is issued within them.
pub(super) fn listen(page: &Rc<Page>) {
    // For as long as the page: the database is.
    let turned = Rc::clone(page);
    let _ = window_event_listener_untyped("visibilitychange", move |_| {
        match document().visibility_state() {
            VisibilityState::Hidden => turned.flush(),
            _ => turned.hurry(),
        }
    });
    let left = Rc::clone(page);
    let _ = window_event_listener_untyped("pagehide", move |_| left.close());
    let cut_off = Rc::clone(page);
    let _ = window_event_listener_untyped("offline", move |_| cut_off.disconnect());
    let back = Rc::clone(page);
    let _ = window_event_listener_untyped("online", move |_| back.hurry());
}
