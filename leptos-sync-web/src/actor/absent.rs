//! Where there is no browser there is nothing to keep documents in.

use leptos_sync_core::Root;

use crate::{
    live::{LiveDoc, StatusSignal},
    provider::Options,
};

/// Keeps nothing: a server renders from empty documents.
pub(crate) struct Actor;

impl Actor {
    pub(crate) fn start(_: Options) -> Self {
        Self
    }

    pub(crate) fn attach<S: Root>(&self, _: &str, _: LiveDoc<S>) {}

    pub(crate) fn renew(&self, _: Vec<u8>) {}
}

pub(crate) fn ask_persistence(_: StatusSignal<usize>) {}
