use std::{any::Any, borrow::Cow, sync::Arc};

use futures::future::BoxFuture;
use http::request::Parts;
use leptos_sync_core::sync::Permission;

/// An interface that authenticates users and decides on their permissions.
///
/// An authorizer receives the request that opened the connection, with its headers and cookies, and
/// the credentials of the first message. So it can use an app's sessions as well as tokens.
///
/// ```
/// use http::request::Parts;
/// use leptos_sync_server::{Authorizer, BoxFuture, Denied, Permission, User};
///
/// /// Accepts any name without proof. Each user may write documents whose names begin with theirs.
/// struct ByName;
///
/// impl Authorizer for ByName {
///     fn admit<'a>(&'a self, _: &'a Parts, credentials: &'a [u8]) -> BoxFuture<'a, Result<User, Denied>> {
///         Box::pin(async move {
///             match std::str::from_utf8(credentials) {
///                 Ok(name) if !name.is_empty() => Ok(User::new(name)),
///                 _ => Err(Denied::unauthorized("send your name as credentials")),
///             }
///         })
///     }
///
///     fn permission<'a>(
///         &'a self,
///         user: &'a User,
///         document: &'a str,
///         _schema: u64,
///     ) -> BoxFuture<'a, Result<Option<Permission>, Denied>> {
///         let own = document.split('/').next() == Some(user.name());
///         Box::pin(async move { Ok(own.then_some(Permission::Write)) })
///     }
/// }
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Returns the user with these credentials. The relay calls this when a client connects, and
    /// when the client sends new credentials. The length of the user's name must be 1 to
    /// [`USER_BYTES`](crate::limits::USER_BYTES).
    ///
    /// # Errors
    ///
    /// If the client is not admitted, with the reason.
    fn admit<'a>(
        &'a self,
        request: &'a Parts,
        credentials: &'a [u8],
    ) -> BoxFuture<'a, Result<User, Denied>>;

    /// Returns the user's permission for a document, or `None` to deny it. `schema` is the
    /// fingerprint of the document's type that the client sent, or 0 if it sent none.
    ///
    /// # Errors
    ///
    /// If the permission cannot be determined, with the reason.
    fn permission<'a>(
        &'a self,
        user: &'a User,
        document: &'a str,
        schema: u64,
    ) -> BoxFuture<'a, Result<Option<Permission>, Denied>>;
}

/// A user whom an [`Authorizer`] has admitted.
///
/// ```
/// use leptos_sync_server::User;
///
/// struct Team(u64);
///
/// let user = User::new("ada").with(Team(7)).expires_at_ms(1_900_000_000_000);
/// assert_eq!(user.name(), "ada");
/// assert!(user.get::<Team>().is_some_and(|team| team.0 == 7));
/// ```
#[derive(Clone, Debug)]
pub struct User {
    name: Arc<str>,
    is_shared: bool,
    expires_ms: Option<u64>,
    extension: Option<Arc<dyn Any + Send + Sync>>,
}

impl User {
    /// Creates a user with this name. The relay binds replica ids to the name, and sends it to
    /// other clients with the user's presence.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            is_shared: false,
            expires_ms: None,
            extension: None,
        }
    }

    /// Attaches a value, which [`Authorizer::permission`] can read with [`get`](User::get). A user
    /// has one value; a second call replaces it.
    #[must_use]
    pub fn with(mut self, value: impl Any + Send + Sync) -> Self {
        self.extension = Some(Arc::new(value));
        self
    }

    /// Marks the name as shared by many people, such as anonymous visitors. The relay then applies
    /// its limits to each connection separately instead of to all connections of the user, and does
    /// not send the name to other clients.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// Sets the time at which the admission ends, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn expires_at_ms(mut self, ms: u64) -> Self {
        self.expires_ms = Some(ms);
        self
    }

    /// Returns whether the name is [shared](User::shared).
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Returns the user's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name that other clients see. It is empty if the name is [shared](User::shared),
    /// because a shared name identifies nobody.
    pub(super) fn known_name(&self) -> Arc<str> {
        match self.is_shared {
            true => Arc::default(),
            false => Arc::clone(&self.name),
        }
    }

    /// Returns the value that was attached with [`with`](User::with), if it has this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.extension.as_deref()?.downcast_ref()
    }

    /// Returns the time at which the admission ends, in milliseconds since the Unix epoch.
    pub fn expires_ms(&self) -> Option<u64> {
        self.expires_ms
    }
}

/// The reason why an [`Authorizer`] does not admit a client.
#[derive(Clone, Debug)]
pub struct Denied {
    pub(super) is_temporary: bool,
    pub(crate) text: Cow<'static, str>,
}

impl Denied {
    /// Denies credentials that are missing, wrong or expired. The client asks for other ones, and
    /// sends the same ones again only after a delay of up to five minutes. `text` explains the
    /// reason to the user.
    pub fn unauthorized(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            is_temporary: false,
            text: text.into(),
        }
    }

    /// Denies the client because the authorizer cannot decide at the moment. The client tries again
    /// later.
    pub fn unavailable(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            is_temporary: true,
            text: text.into(),
        }
    }
}

/// An authorizer that admits all clients as one [shared](User::shared) user and lets them read and
/// write all documents. Use it only for a relay that untrusted clients cannot reach.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAnyone;

impl Authorizer for AllowAnyone {
    fn admit<'a>(&'a self, _: &'a Parts, _: &'a [u8]) -> BoxFuture<'a, Result<User, Denied>> {
        Box::pin(async { Ok(User::new("anyone").shared()) })
    }

    fn permission<'a>(
        &'a self,
        _: &'a User,
        _: &'a str,
        _: u64,
    ) -> BoxFuture<'a, Result<Option<Permission>, Denied>> {
        Box::pin(async { Ok(Some(Permission::Write)) })
    }
}
