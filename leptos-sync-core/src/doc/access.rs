use std::sync::Arc;

use crate::crdt::Field;

/// The access of a transaction to a value.
pub(super) enum Access<'a, T> {
    /// A value that only the transaction uses.
    Own(&'a mut T),
    /// A value that readers may share until the transaction writes.
    Shared(&'a mut (dyn Share<T> + 'a)),
}

impl<'a, T> Access<'a, T> {
    /// Returns the value for reading.
    #[inline]
    pub(super) fn get(&self) -> &T {
        match self {
            Self::Own(value) => value,
            Self::Shared(share) => share.get(),
        }
    }

    /// Returns the value for writing.
    #[inline]
    pub(super) fn get_mut(&mut self) -> &mut T {
        match self {
            Self::Own(value) => value,
            Self::Shared(share) => share.get_mut(),
        }
    }

    /// Returns the value for writing while the transaction is open.
    pub(super) fn into_mut(self) -> &'a mut T {
        match self {
            Self::Own(value) => value,
            Self::Shared(share) => share.get_mut(),
        }
    }
}

/// A value that is shared with readers until it is written.
pub(super) trait Share<T> {
    fn get(&self) -> &T;

    /// Releases the value from readers and returns it for writing. Copies it if a reader still
    /// shares it.
    fn get_mut(&mut self) -> &mut T;
}

/// A document's state.
pub(super) struct SharedState<'a, S> {
    pub(super) state: &'a mut Arc<S>,
    /// The callback before the state is written, so that readers can release it. Called at most
    /// once.
    pub(super) before_write: Option<&'a mut dyn FnMut()>,
}

impl<S: Clone> Share<S> for SharedState<'_, S> {
    fn get(&self) -> &S {
        self.state
    }

    fn get_mut(&mut self) -> &mut S {
        if let Some(before_write) = self.before_write.take() {
            before_write();
        }
        Arc::make_mut(self.state)
    }
}

/// A field of a record.
pub(super) struct SharedField<'a, R, F> {
    pub(super) record: &'a mut (dyn Share<R> + 'a),
    pub(super) field: Field<R, F>,
}

impl<R, F> Share<F> for SharedField<'_, R, F> {
    fn get(&self) -> &F {
        (self.field.get)(self.record.get())
    }

    fn get_mut(&mut self) -> &mut F {
        (self.field.get_mut)(self.record.get_mut())
    }
}
