use std::{fmt, panic::Location, sync::Arc};

use leptos::prelude::*;

use super::status::{Status, StatusField, StatusValues};
use crate::node::OwnedGuard;

/// The status of a document, owned by a reactive owner.
pub(crate) type StoredStatus = StoredValue<Arc<Status>>;

/// A signal of a document's status, read with `.get()`, `.with()`, `.track()` and so on.
///
/// It does not render by itself: in a view, write a closure, `{move || saved.get()}`. `.into()`
/// converts it to leptos' [`Signal`], which renders, and which components take as a property.
///
/// The signal belongs to the reactive owner that called [`use_doc`](crate::use_doc), and notifies
/// its subscribers when its value changes.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_sync_web::{LwwMap, use_doc};
///
/// #[component]
/// fn Status() -> impl IntoView {
///     let status = use_doc::<LwwMap<String, u32>>("stock");
///     let saved: Signal<bool> = status.saved.into();
///     view! {
///         <p>{move || if saved.get() { "saved" } else { "saving" }}</p>
///         <p>{move || status.pending.get()} " edits to send"</p>
///     }
/// }
/// ```
pub struct StatusSignal<T: 'static> {
    // Does not depend on the document's type, so that a page contains the code once.
    status: StoredStatus,
    field: StatusField,
    of: fn(&StatusValues) -> T,
    defined_at: &'static Location<'static>,
}

impl<T> StatusSignal<T> {
    /// Creates the signal of a field, which `of` reads.
    #[track_caller]
    pub(crate) fn new(
        status: StoredStatus,
        field: StatusField,
        of: fn(&StatusValues) -> T,
    ) -> Self {
        Self {
            status,
            field,
            of,
            defined_at: Location::caller(),
        }
    }
}

impl<T> Track for StatusSignal<T> {
    fn track(&self) {
        if let Some(status) = self.status.try_get_value() {
            status.track(self.field);
        }
    }
}

impl<T> ReadUntracked for StatusSignal<T> {
    type Value = OwnedGuard<T>;

    fn try_read_untracked(&self) -> Option<OwnedGuard<T>> {
        let values = self.status.try_get_value()?.values();
        Some(OwnedGuard((self.of)(&values)))
    }
}

impl<T: Clone + Send + Sync> From<StatusSignal<T>> for Signal<T> {
    #[track_caller]
    fn from(signal: StatusSignal<T>) -> Self {
        Signal::derive(move || signal.get())
    }
}

impl<T> DefinedAt for StatusSignal<T> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        Some(self.defined_at)
    }
}

impl<T> IsDisposed for StatusSignal<T> {
    fn is_disposed(&self) -> bool {
        self.status.is_disposed()
    }
}

impl<T> Clone for StatusSignal<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StatusSignal<T> {}

impl<T> fmt::Debug for StatusSignal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusSignal")
            .field("defined_at", &self.defined_at)
            .finish_non_exhaustive()
    }
}
