//! Shows long lists from the top: a few screens immediately, and the rest while the browser has
//! time.

use leptos::prelude::*;

/// The number of rows that are shown immediately: several screens.
const FIRST: usize = 100;
/// The number of rows that each further frame adds. Between frames, the page responds to keys.
const STEP: usize = 250;

/// Returns a signal with the number of rows to show, which grows up to `len`.
pub(crate) fn use_growing(len: impl Fn() -> usize + 'static) -> ReadSignal<usize> {
    let (shown, set_shown) = signal(FIRST);
    Effect::new(move || {
        if shown.get() < len() {
            request_animation_frame(move || set_shown.update(|shown| *shown += STEP));
        }
    });
    shown
}
