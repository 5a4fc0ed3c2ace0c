//! The replacement for streams of changes when the feature `stream` is disabled. It costs nothing.

use leptos_sync_core::Delta;
#[cfg(target_arch = "wasm32")]
use leptos_sync_core::Doc;

pub(super) struct Feed;

/// The version of a document, which this build does not need.
#[cfg(target_arch = "wasm32")]
pub(super) struct Nothing;

impl Feed {
    pub(super) const fn new() -> Self {
        Self
    }

    pub(super) fn send(&self, _: &Delta) {}

    #[cfg(target_arch = "wasm32")]
    pub(super) fn before<S>(&self, _: &Doc<S>) -> Nothing {
        Nothing
    }

    #[cfg(target_arch = "wasm32")]
    pub(super) fn since<S>(before: Nothing, _: &Doc<S>) -> Nothing {
        before
    }

    #[cfg(target_arch = "wasm32")]
    pub(super) fn tell(&self, _: Nothing) {}

    #[cfg(target_arch = "wasm32")]
    pub(super) fn end(&self) {}
}
