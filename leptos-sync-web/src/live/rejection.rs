use std::{
    any::Any,
    fmt,
    ops::Deref,
    sync::{Arc, Weak},
};

use leptos_sync_core::{Error, Root, history::EntryId, limits, sync::Reason};

use super::Status;

/// An edit that this device or the relay rejected and that has not been dismissed yet.
///
/// The document was rolled back, except in these cases:
///
/// - The reason is [`Reason::Forged`]: another user of this browser made the edit. It stays in the
///   document, and the page sends it when that user is back.
/// - The user made the edit before the page learned that the user may only read, for example
///   offline. It stays in the document, and the page sends it when the user may edit. One rejection
///   covers all of these edits, with the state that contains them; its reason is
///   [`Reason::Forbidden`].
/// - The document was removed at the relay. It keeps its edits.
///
/// An edit that the relay rejects for its [time](Reason::concerns_time) is not listed: the page
/// restamps it and sends it again.
///
/// `Clone` returns another handle; `Display` formats the reason and the message.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_sync_web::{LwwMap, use_doc};
///
/// #[component]
/// fn Rejections() -> impl IntoView {
///     let rejected = use_doc::<LwwMap<String, u32>>("stock").rejected;
///     let item = |rejection: &leptos_sync_web::status::Rejection| {
///         let (message, rejection) = (rejection.message().to_owned(), rejection.clone());
///         view! { <li>{message} <button on:click=move |_| rejection.dismiss()>"OK"</button></li> }
///     };
///     view! { <ul>{move || rejected.get().iter().map(item).collect_view()}</ul> }
/// }
/// ```
#[derive(Clone)]
pub struct Rejection(Arc<Rejected>);

struct Rejected {
    reason: Reason,
    message: String,
    is_local: bool,
    state: Option<AnyState>,
    /// The ids of the outbox's entries before the rollback: the rejected edit and all others.
    /// Empty if this device rejected the edit.
    #[cfg_attr(
        not(target_arch = "wasm32"),
        expect(dead_code, reason = "a server has no relay")
    )]
    outbox: Vec<EntryId>,
    status: Weak<Status>,
}

impl Rejection {
    pub(crate) fn local(status: Weak<Status>, error: &Error, state: Option<AnyState>) -> Self {
        let reason = match error.is_limit() {
            true => Reason::Limit,
            false => Reason::Other,
        };
        Self(Arc::new(Rejected {
            reason,
            message: error.to_string(),
            is_local: true,
            state,
            outbox: Vec::new(),
            status,
        }))
    }

    #[cfg(target_arch = "wasm32")]
    pub(crate) fn by_relay(
        status: Weak<Status>,
        reason: Reason,
        message: String,
        state: Option<AnyState>,
        outbox: Vec<EntryId>,
    ) -> Self {
        Self(Arc::new(Rejected {
            reason,
            message,
            is_local: false,
            state,
            outbox,
            status,
        }))
    }

    /// Returns whether this rejection makes `other`, which concerns the entry `id`, redundant: its
    /// state contains the other edit, and it has the same reason and message.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn includes(&self, other: &Self, id: EntryId) -> bool {
        let (this, other) = (&*self.0, &*other.0);
        this.outbox.contains(&id) && this.reason == other.reason && this.message == other.message
    }

    /// Returns the reason as a code, such as [`Reason::Limit`] or [`Reason::Forbidden`].
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// Returns the reason as a sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns whether this device rejected the edit, for example for its size, and not the relay.
    pub fn is_local(&self) -> bool {
        self.0.is_local
    }

    /// Returns a copy of the document's state with the rejected edit, so that the user can keep
    /// what they wrote. Show it, or write it to another document. The copy is detached: it no
    /// longer changes.
    ///
    /// Returns `None` if `S` is not the document's type, if the edit wrote nothing, or if another
    /// user of this browser made the edit.
    pub fn state<S: Root>(&self) -> Option<Arc<S>> {
        Arc::clone(self.0.state.as_ref()?).downcast().ok()
    }

    /// Removes the rejection from the document's list, for example when the user has read it.
    ///
    /// Inputs that are bound to the document then show its values again. Until then, an input keeps
    /// the text that this device rejected.
    pub fn dismiss(&self) {
        if let Some(status) = self.0.status.upgrade() {
            status.dismiss(&|rejection| Arc::ptr_eq(&rejection.0, &self.0));
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reason.fmt(f)?;
        f.write_str(": ")?;
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The state of a document of any type.
pub(crate) type AnyState = Arc<dyn Any + Send + Sync>;

/// The rejected edits that have not been dismissed, oldest first, as a slice of [`Rejection`]s.
///
/// The list is in the page's memory and does not survive a reload.
///
/// The list has at most [`limits::REJECTIONS`](leptos_sync_core::limits::REJECTIONS) entries.
/// Beyond that, the oldest one is dropped and counted.
#[derive(Clone, Debug, Default)]
pub struct Rejections {
    list: Arc<Vec<Rejection>>,
    dropped: usize,
}

impl Rejections {
    /// Returns the number of rejections that were dropped since the list was last empty.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Dismisses all rejections in this list.
    pub fn dismiss_all(&self) {
        self.iter().for_each(Rejection::dismiss);
    }

    pub(super) fn push(&mut self, rejection: Rejection) {
        let mut list = self.list.to_vec();
        if list.len() >= limits::REJECTIONS {
            list.remove(0);
            self.dropped += 1;
        }
        list.push(rejection);
        self.list = Arc::new(list);
    }

    /// Removes rejections. Returns whether there were any.
    pub(super) fn remove(&mut self, is: &dyn Fn(&Rejection) -> bool) -> bool {
        let mut list = self.list.to_vec();
        list.retain(|rejection| !is(rejection));
        if list.len() == self.list.len() {
            // It is dismissed already, so no subscriber is notified.
            return false;
        }
        if list.is_empty() {
            self.dropped = 0;
        }
        self.list = Arc::new(list);
        true
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.list, &other.list)
    }
}

impl Deref for Rejections {
    type Target = [Rejection];

    fn deref(&self) -> &[Rejection] {
        &self.list
    }
}

impl IntoIterator for Rejections {
    type Item = Rejection;
    type IntoIter = std::vec::IntoIter<Rejection>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.list).into_iter()
    }
}
