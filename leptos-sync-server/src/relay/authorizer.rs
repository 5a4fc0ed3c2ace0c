use std::{any::Any, borrow::Cow, sync::Arc};

use futures::future::BoxFuture;
use http::request::Parts;
use leptos_sync_core::sync::Permission;

/// Decides who may do what.
///
/// It sees the request that opened the connection, with its headers and cookies, and the credentials of the first message,
/// so an app's own sessions work as well as tokens do.
///
/// ```
/// use futures::future::BoxFuture;
/// use http::request::Parts;
/// use leptos_sync_core::sync::Permission;
/// use leptos_sync_server::{Authorizer, Denied, User};
///
/// /// Whoever names themselves is let in, and has the documents that begin with the name for themselves.
/// struct ByName;
///
/// impl Authorizer for ByName {
///     fn admit<'a>(&'a self, _: &'a Parts, credentials: &'a [u8]) -> BoxFuture<'a, Result<User, Denied>> {
///         Box::pin(async move {
///             match std::str::from_utf8(credentials) {
///                 Ok(name) if !name.is_empty() => Ok(User::new(name)),
///                 _ => Err(Denied::unauthorized("say who you are")),
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
    /// Who somebody is that has shown these credentials: at the beginning, and again before they expire.
    ///
    /// # Errors
    ///
    /// Why they are not let in.
    fn admit<'a>(
        &'a self,
        request: &'a Parts,
        credentials: &'a [u8],
    ) -> BoxFuture<'a, Result<User, Denied>>;

    /// What the user may do to a document, `None` if nothing. `schema` is the fingerprint of the document's type that the
    /// replica told, 0 if none.
    ///
    /// # Errors
    ///
    /// Why it cannot be told.
    fn permission<'a>(
        &'a self,
        user: &'a User,
        document: &'a str,
        schema: u64,
    ) -> BoxFuture<'a, Result<Option<Permission>, Denied>>;
}

/// A user whom an [`Authorizer`] has admitted.
#[derive(Clone, Debug)]
pub struct User {
    name: Arc<str>,
    is_shared: bool,
    expires_ms: Option<u64>,
    extension: Option<Arc<dyn Any + Send + Sync>>,
}

impl User {
    /// Creates a user of this name. The relay binds replica ids to the name, and sends it to other clients with the user's
    /// presence.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            is_shared: false,
            expires_ms: None,
            extension: None,
        }
    }

    /// Attaches a value that the authorizer will need again: [`Authorizer::permission`] reads it with [`get`](User::get). A
    /// user has one value; a second call replaces it.
    #[must_use]
    pub fn with(mut self, value: impl Any + Send + Sync) -> Self {
        self.extension = Some(Arc::new(value));
        self
    }

    /// Marks the name as shared by many people, such as anonymous visitors. The relay then limits neither their connections
    /// nor their rates together, only those of each connection, and does not send the name to other clients.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// Sets when the admission ends, in milliseconds since the Unix epoch.
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

    /// Returns the name that other clients see: empty if it is [shared](User::shared), because it identifies nobody.
    pub(super) fn known_name(&self) -> Arc<str> {
        match self.is_shared {
            true => Arc::default(),
            false => Arc::clone(&self.name),
        }
    }

    /// Returns the value that the authorizer has attached, if it has this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.extension.as_deref()?.downcast_ref()
    }

    /// Returns when the admission ends, in milliseconds since the Unix epoch.
    pub fn expires_ms(&self) -> Option<u64> {
        self.expires_ms
    }
}

/// Why somebody is not let in, or why that cannot be told now.
#[derive(Clone, Debug)]
pub struct Denied {
    pub(super) passing: bool,
    pub(crate) text: Cow<'static, str>,
}

impl Denied {
    /// The credentials are missing, wrong or expired.
    pub fn unauthorized(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            passing: false,
            text: text.into(),
        }
    }

    /// Whoever knows is not there; the replica should come back.
    pub fn unavailable(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            passing: true,
            text: text.into(),
        }
    }
}

/// An authorizer that admits all clients as one [shared](User::shared) user and lets them read and write all documents. Use it
/// only for a relay that untrusted clients cannot reach.
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
