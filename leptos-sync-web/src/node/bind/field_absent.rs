//! The replacement for `field` without a browser. It shows nothing.

use leptos::tachys::renderer::types::Element;

pub(super) fn listen() {}

pub(super) fn show(_: &Element, _: &str, _: String) {}
