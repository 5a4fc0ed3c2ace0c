use std::cell::RefCell;

use leptos_sync_core::{Doc, Error, Root};

use crate::lock::{Mutex, Thread};

/// The edit in progress on a document, for code that runs inside the edit.
///
/// The document is locked during an edit, for all threads. Code inside the edit that reads the
/// document sees the state before the edit. That is possible until the edit begins to write to the
/// only copy of the state.
pub(super) struct Editing<S>(Mutex<Option<Edit<S>>>);

struct Edit<S> {
    thread: Thread,
    /// The document before the edit, until the edit writes.
    before: Option<Doc<S>>,
    /// Whether the document was read after that.
    is_misread: bool,
}

impl<S: Root> Editing<S> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Begins an edit of `doc`.
    pub(super) fn begin(&self, doc: &Doc<S>) -> InsideEdit<'_, S> {
        *self.0.lock() = Some(Edit {
            thread: Thread::current(),
            before: Some(doc.fork(doc.replica())),
            is_misread: false,
        });
        InsideEdit(self)
    }

    /// Returns whether this thread is inside an edit of the document.
    pub(super) fn is_inside(&self) -> bool {
        let is_inside = |edit: &Edit<S>| edit.thread == Thread::current();
        self.0.lock().as_ref().is_some_and(is_inside)
    }

    /// Returns the document before the edit, or `None` if this thread is not inside an edit of it.
    ///
    /// # Errors
    ///
    /// [`Error::is_nested`] if the edit has begun to write. This cancels the edit.
    pub(super) fn before(&self) -> Option<Result<Doc<S>, Error>> {
        let mut edit = self.0.lock();
        let edit = edit
            .as_mut()
            .filter(|edit| edit.thread == Thread::current())?;
        let before = edit.before.as_ref().map(|doc| doc.fork(doc.replica()));
        edit.is_misread |= before.is_none();
        Some(before.ok_or_else(misread))
    }
}

/// A guard of an edit, which is in progress until the guard is dropped.
pub(super) struct InsideEdit<'a, S>(&'a Editing<S>);

impl<S> InsideEdit<'_, S> {
    /// Releases the state from before the edit, because the edit begins to write.
    pub(super) fn begin_to_write(&self) {
        let mut edit = self.0.0.lock();
        let before = edit.as_mut().and_then(|edit| edit.before.take());
        drop(edit);
        drop(before);
    }

    /// Returns the error with which to cancel an edit that read its document too late.
    pub(super) fn misread(&self) -> Option<Error> {
        let edit = self.0.0.lock();
        edit.as_ref()?.is_misread.then(misread)
    }
}

impl<S> Drop for InsideEdit<'_, S> {
    fn drop(&mut self) {
        let edit = self.0.0.lock().take();
        drop(edit);
    }
}

#[cold]
fn misread() -> Error {
    Error::nested(
        "a document was read inside an edit that had already used its `tx`; read through `tx` instead",
    )
}

#[cold]
pub(super) fn nested_edit() -> Error {
    Error::nested(
        "a document was edited inside an edit of the same document; write through the outer edit's `tx` instead",
    )
}

thread_local! {
    static EDITS: RefCell<Edits> = const { RefCell::new(Edits { depth: 0, waiting: Vec::new() }) };
}

/// The edits of any document that are in progress on this thread.
struct Edits {
    depth: usize,
    waiting: Vec<Box<dyn FnOnce()>>,
}

/// Runs `job` as soon as this thread is outside all edits, so that it can lock any document.
pub(super) fn outside_edits(job: impl FnOnce() + 'static) {
    let is_inside = EDITS.with_borrow(|edits| edits.depth > 0);
    match is_inside {
        true => {
            EDITS.with_borrow_mut(|edits| edits.waiting.push(Box::new(job)));
            #[cfg(target_arch = "wasm32")]
            crate::actor::run_soon(end_all);
        }
        false => job(),
    }
}

/// Ends all edits, because no edit outlasts a task of the browser. There, a panic ends an edit
/// without dropping its guard, and other documents would never be saved again.
#[cfg(target_arch = "wasm32")]
fn end_all() {
    let waiting = EDITS.with_borrow_mut(|edits| {
        edits.depth = 0;
        std::mem::take(&mut edits.waiting)
    });
    for job in waiting {
        job();
    }
}

/// A guard that counts as one edit of this thread until it is dropped.
pub(super) struct EditScope(());

impl EditScope {
    pub(super) fn enter() -> Self {
        EDITS.with_borrow_mut(|edits| edits.depth += 1);
        Self(())
    }
}

impl Drop for EditScope {
    fn drop(&mut self) {
        let waiting = EDITS.with_borrow_mut(|edits| {
            edits.depth -= 1;
            match edits.depth {
                0 => std::mem::take(&mut edits.waiting),
                _ => Vec::new(),
            }
        });
        for job in waiting {
            job();
        }
    }
}
