use std::rc::Rc;

use leptos::prelude::*;
use web_sys::VisibilityState;

use super::backend::Opened;

/// Listens to what a browser says before it may end the page: it was hidden, or it is being left.
///
/// Nothing may be awaited in these events. Everything is issued within them.
pub(super) fn listen(opened: &Rc<Opened>) {
    let hidden = Rc::clone(opened);
    // For as long as the page: the database is.
    let _ = window_event_listener_untyped("visibilitychange", move |_| {
        if document().visibility_state() == VisibilityState::Hidden {
            hidden.flush();
        }
    });
    let left = Rc::clone(opened);
    let _ = window_event_listener_untyped("pagehide", move |_| left.close());
}
