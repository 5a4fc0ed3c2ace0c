//! Inputs without a browser: nothing is shown.

use leptos::tachys::renderer::types::Element;

pub(super) fn listen() {}

pub(super) fn show(_: &Element, _: &str, _: String) {}
