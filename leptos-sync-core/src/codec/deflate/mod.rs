//! Raw deflate (RFC 1951), the compression of envelopes.
//!
//! Each platform has its own, and all of them read what any of them wrote: natively flate2, in a browser one that
//! compresses less but takes a fifth of the bytes to download.

#[cfg_attr(
    all(target_arch = "wasm32", target_os = "unknown"),
    path = "small/mod.rs"
)]
mod platform;
#[cfg(test)]
mod tests;

pub(super) use platform::{deflate, inflate};
