use std::{fmt, ops::Deref, sync::Arc};

/// A read guard of a value. It keeps the state that was read, even if the document changes.
///
/// A write copies the document's state while a guard of it is alive, so drop it soon, as `.get()`
/// and `.with()` do.
pub struct ReadGuard<T: 'static>(Guarded<T>);

enum Guarded<T: 'static> {
    State(Arc<T>),
    Part(Box<dyn Deref<Target = T> + Send + Sync>),
}

impl<T> ReadGuard<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self(Guarded::State(value))
    }
}

impl<T: Send + Sync> ReadGuard<T> {
    /// Returns the guard of a part of the value.
    pub(crate) fn map<U, F>(self, part: F) -> ReadGuard<U>
    where
        F: Fn(&T) -> &U + Send + Sync + 'static,
    {
        ReadGuard(Guarded::Part(Box::new(Part { whole: self, part })))
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
            Guarded::State(value) => value,
            Guarded::Part(value) => value,
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

/// A value that is computed when read, such as the sum of a counter.
#[derive(Debug)]
pub struct OwnedGuard<T>(pub(crate) T);

impl<T> Deref for OwnedGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Display> fmt::Display for OwnedGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
