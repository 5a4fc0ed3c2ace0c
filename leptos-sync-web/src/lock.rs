//! Locks without poisoning: a panic either rolls back the interrupted work or occurs after it.
//!
//! They wrap the locks of the standard library. In a browser, which has one thread, these cost
//! nothing.

use std::sync::{self, MutexGuard, PoisonError, RwLockReadGuard, RwLockWriteGuard, TryLockError};

#[derive(Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct RwLock<T>(sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::RwLock::new(value))
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acquires the lock, or returns `None` if the call would block.
    pub(crate) fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        match self.0.try_read() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Acquires the lock, or returns `None` if the call would block.
    pub(crate) fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        match self.0.try_write() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// The identity of a thread. It is empty in a page, which has a single thread.
#[derive(PartialEq, Eq)]
pub(crate) struct Thread(#[cfg(not(target_arch = "wasm32"))] std::thread::ThreadId);

impl Thread {
    pub(crate) fn current() -> Self {
        Self(
            #[cfg(not(target_arch = "wasm32"))]
            std::thread::current().id(),
        )
    }
}
