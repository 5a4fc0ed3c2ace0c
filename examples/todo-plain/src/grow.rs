//! Long lists from the top: what fits a screen at once, the rest while the browser has time.

use leptos::prelude::*;

/// Rows that are shown at once: several screens.
const FIRST: usize = 100;
/// Rows that are added at each frame after that: a page with this much to do still answers to a key.
const STEP: usize = 250;

/// How many of `len` rows to show by now.
pub(crate) fn use_growing(len: impl Fn() -> usize + 'static) -> ReadSignal<usize> {
    let (shown, set_shown) = signal(FIRST);
    Effect::new(move || {
        if shown.get() < len() {
            request_animation_frame(move || set_shown.update(|shown| *shown += STEP));
        }
    });
    shown
}
