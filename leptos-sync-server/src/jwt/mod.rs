//! Users and permissions from signed JSON Web Tokens.

mod grants;
mod key;
mod patterns;
mod rejection;

use std::borrow::Cow;

use futures::future::BoxFuture;
use http::request::Parts;
use jsonwebtoken::{Validation, decode, get_current_timestamp};
use leptos_sync_core::sync::Permission;
use quick_cache::sync::Cache;
use serde_json::{Map, Value};

use self::{
    grants::Grants,
    patterns::Patterns,
    rejection::{denied, extensions, rejection},
};
use crate::{
    limits,
    relay::{Authorizer, Denied, User},
};

pub use key::JwtKey;

/// An authorizer that admits clients with a signed JSON Web Token and grants the permissions in the
/// token.
///
/// The credentials are the token itself: `header.claims.signature`. It has these claims:
///
/// | Claim | Meaning |
/// |---|---|
/// | `sub` | required: the user's name, to which the relay binds replica ids |
/// | `aud` | required: contains this relay's audience |
/// | `exp` | required: the expiry. At that time, the relay ends the connection, unless the client has sent another token of the user |
/// | `nbf` | optional: the start of the token's validity, with a tolerance of [`limits::TOKEN_SKEW_S`] |
/// | `documents` | optional: the permissions, see below; without it, there are none |
///
/// ```json
/// { "sub": "ada", "aud": "notes", "exp": 1790000000,
///   "documents": { "read": ["help/**"], "write": ["ada/*", "plans"] } }
/// ```
///
/// Each entry is a document's name or a pattern. `?` matches one character other than `/`, and `*`
/// any number of such characters. `**` matches any text, `[a-z]` one of these characters, and
/// `{a,b}` one of these words. `\` escapes the next character. If several entries match, the
/// greatest permission applies.
///
/// The relay verifies a token once and caches it until it expires. It cannot be revoked earlier, so
/// issue tokens that are valid for a few minutes and renew them.
///
/// ```
/// use leptos_sync_server::{JwtAuthorizer, JwtKey, MemoryLog, Relay};
///
/// let key = JwtKey::hs256(b"a secret of thirty-two bytes or so")?;
/// let relay = Relay::new(MemoryLog::new()?, JwtAuthorizer::new(key, "notes"));
/// # Ok::<(), leptos_sync_server::Error>(())
/// ```
pub struct JwtAuthorizer {
    key: JwtKey,
    validation: Validation,
    claim: Cow<'static, str>,
    /// The users of verified tokens, by the tokens' bytes.
    verified: Cache<Box<[u8]>, User>,
    patterns: Patterns,
}

impl JwtAuthorizer {
    /// Creates an authorizer for tokens that `key` verifies and whose `aud` contains `audience`.
    pub fn new(key: JwtKey, audience: impl Into<String>) -> Self {
        let mut validation = Validation::new(key.algorithm());
        validation.set_audience(&[audience.into()]);
        validation.set_required_spec_claims(&["aud", "exp", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = limits::TOKEN_SKEW_S;
        Self {
            key,
            validation,
            claim: "documents".into(),
            verified: Cache::new(limits::TOKENS),
            patterns: Patterns::new(),
        }
    }

    /// Accepts only tokens of this issuer: `iss` must equal it.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.validation.set_issuer(&[issuer.into()]);
        self.validation
            .set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        self
    }

    /// Sets the claim with the permissions; the default is `documents`.
    #[must_use]
    pub fn claim(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.claim = name.into();
        self
    }

    fn user(&self, token: &[u8]) -> Result<User, Denied> {
        if let Some(user) = self.verified.get(token) {
            if user.expires_ms() > Some(get_current_timestamp().saturating_mul(1000)) {
                return Ok(user);
            }
            self.verified.remove(token);
        }
        let user = self.verify(token)?;
        self.verified.insert(token.into(), user.clone());
        Ok(user)
    }

    fn verify(&self, token: &[u8]) -> Result<User, Denied> {
        let token = decode::<Map<String, Value>>(token, self.key.key(), &self.validation)
            .map_err(|error| rejection(error.kind(), || self.claims(token)))?;
        if let Some(required) = &token.header.crit {
            return Err(extensions(required));
        }
        let claims = token.claims;
        let name = claims.get("sub").and_then(Value::as_str).unwrap_or("");
        if name.is_empty() || name.len() > limits::USER_BYTES {
            return Err(denied(format_args!(
                "the token's `sub` is {} bytes, it must be 1 to {}",
                name.len(),
                limits::USER_BYTES
            )));
        }
        // The claim was verified above. If it is missing, the token has expired.
        let expires = claims.get("exp").and_then(Value::as_f64).unwrap_or(0.0);
        let grants = Grants::of(&self.claim, claims.get(&*self.claim))?;
        Ok(User::new(name)
            .expires_at_ms((expires * 1000.0) as u64)
            .with(grants))
    }

    /// Returns the claims of a token with a valid signature, whatever they are.
    fn claims(&self, token: &[u8]) -> Option<Map<String, Value>> {
        let mut validation = Validation::new(self.key.algorithm());
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token = decode::<Map<String, Value>>(token, self.key.key(), &validation);
        token.ok().map(|token| token.claims)
    }
}

impl Authorizer for JwtAuthorizer {
    fn admit<'a>(
        &'a self,
        _: &'a Parts,
        credentials: &'a [u8],
    ) -> BoxFuture<'a, Result<User, Denied>> {
        Box::pin(async move { self.user(credentials) })
    }

    fn permission<'a>(
        &'a self,
        user: &'a User,
        document: &'a str,
        _: u64,
    ) -> BoxFuture<'a, Result<Option<Permission>, Denied>> {
        let granted = user
            .get::<Grants>()
            .and_then(|all| all.permission(document, &self.patterns));
        Box::pin(async move { Ok(granted) })
    }
}
