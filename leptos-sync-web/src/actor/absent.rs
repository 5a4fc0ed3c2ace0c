//! The replacement for the actor on a server. It stores and exchanges nothing.

use std::any::Any;

use leptos_sync_core::Root;

use crate::{
    live::{LiveDoc, StatusSignal},
    provider::Options,
};

/// An actor that does nothing, since a server renders from empty documents.
pub(crate) struct Actor;

impl Actor {
    pub(crate) fn start(_: Options) -> Self {
        Self
    }

    pub(crate) fn attach<S: Root>(&self, _: &str, _: LiveDoc<S>) {}

    pub(crate) fn set_credentials(&self, _: Vec<u8>, _: Option<u64>) {}

    pub(crate) fn close(&self) {}
}

pub(crate) mod renewal {
    /// The code that renews credentials. On a server, there is none.
    pub(crate) type Start = ();

    #[expect(non_upper_case_globals, reason = "a function in the browser")]
    pub(crate) const start: Start = ();
}

pub(crate) fn discard<S: Root>(_: &dyn Any) {}

pub(crate) fn run_soon(_: impl FnOnce()) {}

pub(crate) fn ask_persistence(_: StatusSignal<usize>) {}
