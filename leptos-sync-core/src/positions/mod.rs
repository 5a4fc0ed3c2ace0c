//! A hash table of positions in a list, which holds the items themselves.

#[cfg_attr(target_arch = "wasm32", path = "table_js.rs")]
mod table;
#[cfg(all(test, not(target_arch = "wasm32")))]
#[expect(
    unreachable_pub,
    dead_code,
    reason = "in a page, it takes the place of `table`"
)]
mod table_js;
#[cfg(test)]
mod tests;

pub use table::Positions;

/// A function that returns the hash of the item at a position. The type of the items is erased, so
/// that a page contains the code that grows and shrinks tables once.
pub(crate) type HashAt<'a> = &'a dyn Fn(u32) -> u64;
