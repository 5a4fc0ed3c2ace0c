use std::{fmt, pin::Pin, sync::Arc};

use leptos::prelude::untrack;
use leptos_sync_core::{history::user_checksum, limits};

use crate::{
    actor::renewal,
    provider::{self, SyncContext},
};

/// The options of [`provide_sync`](crate::provide_sync): the database that stores the documents,
/// and the relay that exchanges them.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_sync_web::{SyncOptions, provide_sync};
///
/// #[component]
/// fn App() -> impl IntoView {
///     let token = RwSignal::new(String::new());
///     provide_sync(SyncOptions::default().relay("/sync").credentials(move || token.get()));
/// }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct SyncOptions {
    pub(crate) database: String,
    pub(crate) relay: Option<String>,
    pub(crate) credentials: Option<Read>,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) max_documents: usize,
    pub(crate) user: Option<User>,
    pub(crate) keeps_guest_edits: bool,
}

/// A function that reads the credentials or the user's name, like a derived signal.
pub(crate) type Read = Arc<dyn Fn() -> String + Send + Sync>;

/// A function that reads the checksum of the user's name.
pub(crate) type ReadUser = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The user.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) read: ReadUser,
    /// The function that reacts to changes of the name. A page whose app does not name its users
    /// does not contain this code.
    pub(crate) watch: fn(SyncContext, ReadUser, Option<Read>),
}

impl User {
    /// Returns the checksum of the current name.
    pub(crate) fn mark(&self) -> u64 {
        untrack(|| (self.read)())
    }
}

/// A function that fetches new credentials.
pub(crate) type Fetch = Arc<dyn Fn() -> Fetched + Send + Sync>;

/// Credentials that are being fetched.
pub(crate) type Fetched = Pin<Box<dyn Future<Output = Option<String>>>>;

/// The renewal of credentials.
#[derive(Clone)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "a server has no connection")
)]
pub(crate) struct Renewal {
    pub(crate) fetch: Fetch,
    /// The code that renews credentials. A page that does not renew them does not contain this
    /// code.
    pub(crate) start: renewal::Start,
}

impl Default for SyncOptions {
    /// Returns options with a database called `leptos-sync` and without a relay.
    fn default() -> Self {
        Self {
            database: "leptos-sync".to_owned(),
            relay: None,
            credentials: None,
            renewal: None,
            max_documents: limits::EXCHANGED_DOCUMENTS,
            user: None,
            keeps_guest_edits: false,
        }
    }
}

impl SyncOptions {
    /// Sets the name of the browser's database. Apps that share an origin need different ones.
    #[must_use]
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.database = name.into();
        self
    }

    /// Sets the relay with which all documents are exchanged: a path on the page's own server, such
    /// as `"/sync"`, or an address, such as `"wss://relay.example.com/sync"`. The relay uses the
    /// same names for documents.
    ///
    /// Without a relay, documents are exchanged among the tabs of this browser.
    #[must_use]
    pub fn relay(mut self, address: impl Into<String>) -> Self {
        self.relay = Some(address.into());
        self
    }

    /// Sets the credentials that are sent to the relay, such as a token, to prove who the user is.
    ///
    /// When a signal that `read` reads changes, the page sends the new credentials on the open
    /// connection and retries everything that the relay rejected. Credentials that the relay
    /// rejects are sent again after a delay of up to five minutes, since the relay may reject them
    /// by mistake.
    ///
    /// Credentials do not tell the page who the user is. If several people use a browser, set
    /// [`user`](SyncOptions::user) too, or another [`database`](SyncOptions::database) for each.
    #[must_use]
    pub fn credentials(mut self, read: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.credentials = Some(Arc::new(read));
        self
    }

    /// Sets the function that fetches new credentials. The page calls `fetch`
    ///
    /// - when the page opens, unless [`credentials`](SyncOptions::credentials) provides some; the
    ///   page connects afterwards,
    /// - shortly before the credentials expire, if they are a JSON Web Token with a time of expiry
    ///   (`exp`),
    /// - when the relay rejects them.
    ///
    /// The page sends the returned credentials to the relay, on the open connection if there is
    /// one. `None` means that no credentials are available at the moment. In that case, and if the
    /// new ones have expired or the relay rejects them too, the page calls `fetch` again after 1,
    /// 2, 4 and more seconds, up to 5 minutes, or as soon as the network returns. If a call takes
    /// more than 30 seconds, the page continues as after `None`, until the call returns.
    ///
    /// ```
    /// use leptos::prelude::*;
    /// use leptos_sync_web::{SyncOptions, provide_sync};
    ///
    /// /// Asks the app's own server, which knows the user by a cookie.
    /// async fn fetch_token() -> Option<String> {
    ///     # #[cfg(any())]
    ///     # {
    ///     let response = gloo_net::http::Request::get("/token").send().await.ok()?;
    ///     response.ok().then_some(response.text().await.ok()?)
    ///     # }
    ///     # None
    /// }
    ///
    /// #[component]
    /// fn App() -> impl IntoView {
    ///     provide_sync(SyncOptions::default().relay("/sync").renew(fetch_token));
    /// }
    /// ```
    #[must_use]
    pub fn renew(
        mut self,
        fetch: impl AsyncFn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let fetch = Arc::new(fetch);
        self.renewal = Some(Renewal {
            fetch: Arc::new(move || {
                let fetch = Arc::clone(&fetch);
                Box::pin(async move { fetch().await })
            }),
            start: renewal::start,
        });
        self
    }

    /// Sets the name of the user whose credentials the page sends, so that several users of a
    /// browser can share a [`database`](SyncOptions::database). An empty name is a guest. The name
    /// stays on this device.
    ///
    /// Each edit remembers the user who made it, also after a reload, and is sent to the relay only
    /// in that user's name. Edits of other users stay in the document, which all users of the
    /// browser see. They are listed in the status signal `rejected`, and are sent once their user
    /// is back. Documents are not synced until then.
    ///
    /// When a signal that `read` reads changes, the page ends the connection, and connects with new
    /// credentials: those of [`credentials`](SyncOptions::credentials), or of another call of
    /// [`renew`](SyncOptions::renew). These must belong to the same user. The name must also be
    /// right when the page opens without a network; keep it in `localStorage`, for example.
    ///
    /// Without this option, the page does not know who made the edits that are stored on this
    /// device. It sends them in the name of the user who is signed in, unless the relay has already
    /// bound the page that made them to another user.
    ///
    /// ```
    /// use leptos::prelude::*;
    /// use leptos_sync_web::{SyncOptions, provide_sync};
    ///
    /// #[component]
    /// fn App() -> impl IntoView {
    ///     // Set both when the user signs in.
    ///     let (user, token) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    ///     let options = SyncOptions::default().relay("/sync").user(move || user.get());
    ///     provide_sync(options.credentials(move || token.get()));
    /// }
    /// ```
    #[must_use]
    pub fn user(mut self, read: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.user = Some(User {
            read: Arc::new(move || user_checksum(&read())),
            watch: provider::watch_user,
        });
        self
    }

    /// Sets whether the page sends a guest's edits in the name of the user who signs in.
    ///
    /// With [`user`](SyncOptions::user), a guest's edits belong to the next user who connects.
    /// Without it, the page cannot tell guests from users: a relay binds the edits of a page to the
    /// user who sends the first of them, and rejects the rest if another user signs in before all
    /// are sent. With this option, the page sends them as the new user.
    ///
    /// By default, such edits stay in the document, are listed in the status signal `rejected`, and
    /// are sent once the guest or first user is back. Set the option only if both are the same
    /// person. Edits that the relay already has are not sent twice.
    ///
    /// ```
    /// use leptos::prelude::*;
    /// use leptos_sync_web::{SyncOptions, provide_sync};
    ///
    /// #[component]
    /// fn App() -> impl IntoView {
    ///     // Empty for a guest, who may try the app before signing in.
    ///     let token = RwSignal::new(String::new());
    ///     let options = SyncOptions::default().relay("/sync");
    ///     provide_sync(options.credentials(move || token.get()).keep_guest_edits(true));
    /// }
    /// ```
    #[must_use]
    pub fn keep_guest_edits(mut self, keep: bool) -> Self {
        self.keeps_guest_edits = keep;
        self
    }

    /// Sets the maximum number of documents that the page exchanges with the relay at a time. The
    /// default is [`limits::EXCHANGED_DOCUMENTS`](leptos_sync_core::limits::EXCHANGED_DOCUMENTS),
    /// 256, and the maximum is [`limits::CHANNELS`](leptos_sync_core::limits::CHANNELS). The relay
    /// has its own limit.
    ///
    /// The status signal `connection` of a document beyond either limit is `Offline` with the
    /// reason [`TooManyDocuments`](crate::status::Reason::TooManyDocuments). Its edits are stored
    /// and queued, and it is exchanged as soon as the app stops using other documents.
    #[must_use]
    pub fn max_documents(mut self, max: usize) -> Self {
        self.max_documents = max.clamp(1, limits::CHANNELS);
        self
    }
}

impl fmt::Debug for SyncOptions {
    /// Formats the options without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncOptions")
            .field("database", &self.database)
            .field("relay", &self.relay)
            .finish_non_exhaustive()
    }
}
