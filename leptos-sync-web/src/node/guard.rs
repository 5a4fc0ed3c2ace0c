use std::{fmt, ops::Deref, sync::Arc};

/// A value that is being read: it stays as it was when the reading began, whatever is written meanwhile.
///
/// Holding one across a write makes that write copy the document's state, so let it go soon, as `.get()` and `.with()`
/// do.
pub struct ReadGuard<T: 'static>(Held<T>);

enum Held<T: 'static> {
    Shared(Arc<T>),
    Part(Box<dyn Deref<Target = T> + Send + Sync>),
}

impl<T> ReadGuard<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self(Held::Shared(value))
    }
}

impl<T: Send + Sync> ReadGuard<T> {
    /// A part of what is being read.
    pub(crate) fn map<U, F>(self, part: F) -> ReadGuard<U>
    where
        F: Fn(&T) -> &U + Send + Sync + 'static,
    {
        ReadGuard(Held::Part(Box::new(Part { whole: self, part })))
    }
}

struct Part<T: 'static, F> {
    whole: ReadGuard<T>,
    part: F,
}

impl<T, U, F: Fn(&T) -> &U> Deref for Part<T, F> {
    type Target = U;

    fn deref(&self) -> &U {
        (self.part)(&self.whole)
    }
}

impl<T> Deref for ReadGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Held::Shared(value) => value,
            Held::Part(value) => value,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for ReadGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for ReadGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A value that was made for whoever reads it.
#[derive(Debug)]
pub struct OwnGuard<T>(pub(crate) T);

impl<T> Deref for OwnGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Display> fmt::Display for OwnGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
