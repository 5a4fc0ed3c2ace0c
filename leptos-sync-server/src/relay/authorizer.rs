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

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub struct User {
    name: String,
    is_many: bool,
    expires_ms: Option<u64>,
    more: Option<Arc<dyn Any + Send + Sync>>,
}

impl User {
    /// The user of that name. Replica ids are bound to it.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            is_many: false,
            expires_ms: None,
            more: None,
        }
    }

    /// What the authorizer has found out and will be asked for: whoever decides on a document finds it with
    /// [`get`](User::get). One value; another one takes its place.
    #[must_use]
    pub fn with(mut self, value: impl Any + Send + Sync) -> Self {
        self.more = Some(Arc::new(value));
        self
    }

    /// Many people under one name, as those who say nothing of themselves: how many connections they have is not limited, and each of
    /// them may bring as much as a connection may.
    #[must_use]
    pub fn many(mut self) -> Self {
        self.is_many = true;
        self
    }

    /// Somebody who is let in until then, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn expires_at_ms(mut self, ms: u64) -> Self {
        self.expires_ms = Some(ms);
        self
    }

    /// Whether it stands for [many](User::many).
    pub fn is_many(&self) -> bool {
        self.is_many
    }

    /// The user's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the authorizer has kept of the user, if it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.more.as_deref()?.downcast_ref()
    }

    /// Until when the user is let in.
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

/// Lets everybody in, as one user who is [many](User::many), and everybody write everything: for a relay that only its own users
/// can reach.
#[derive(Clone, Copy, Debug, Default)]
pub struct Everybody;

impl Authorizer for Everybody {
    fn admit<'a>(&'a self, _: &'a Parts, _: &'a [u8]) -> BoxFuture<'a, Result<User, Denied>> {
        Box::pin(async { Ok(User::new("everybody").many()) })
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
