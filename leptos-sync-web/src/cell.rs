//! A `RefCell` whose panics do not say where it was borrowed, except in debug builds.
//!
//! In the standard library's, each call is a location in the page, with the path of its file.

use std::cell::{self, Ref, RefMut};

#[derive(Default)]
pub(crate) struct RefCell<T>(cell::RefCell<T>);

impl<T> RefCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(cell::RefCell::new(value))
    }

    #[inline(never)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub(crate) fn borrow(&self) -> Ref<'_, T> {
        self.0.borrow()
    }

    #[inline(never)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub(crate) fn borrow_mut(&self) -> RefMut<'_, T> {
        self.0.borrow_mut()
    }

    pub(crate) fn try_borrow_mut(&self) -> Option<RefMut<'_, T>> {
        self.0.try_borrow_mut().ok()
    }

    #[cfg_attr(debug_assertions, track_caller)]
    pub(crate) fn replace(&self, value: T) -> T {
        std::mem::replace(&mut *self.borrow_mut(), value)
    }
}

impl<T: Default> RefCell<T> {
    #[cfg_attr(debug_assertions, track_caller)]
    pub(crate) fn take(&self) -> T {
        self.replace(T::default())
    }
}
