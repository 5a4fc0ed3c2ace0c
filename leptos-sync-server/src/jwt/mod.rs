//! Users and what they may do, from JSON Web Tokens that somebody else has signed.

mod grants;
mod key;
mod patterns;

use std::borrow::Cow;

use futures::future::BoxFuture;
use http::request::Parts;
use jsonwebtoken::{Validation, decode, errors::ErrorKind, get_current_timestamp};
use leptos_sync_core::sync::Permission;
use quick_cache::sync::Cache;
use serde_json::{Map, Value};

use self::{grants::Grants, patterns::Patterns};
use crate::{
    limits,
    relay::{Authorizer, Denied, User},
};

pub use key::JwtKey;

/// Lets in who shows a token that was signed with a key, and permits what the token says.
///
/// The credentials are the token as it is: `header.claims.signature`. It has to have these claims:
///
/// | Claim | Meaning |
/// |---|---|
/// | `sub` | the user's name, to which replica ids are bound |
/// | `aud` | for whom it is; this relay's audience among them |
/// | `exp` | when it expires; the relay ends the connection then, unless another token of the user was shown |
/// | `nbf` | if there: from when on it holds, give or take [`limits::TOKEN_SKEW_S`] |
/// | `documents` | what the user may do, see below; without it, nothing |
///
/// ```json
/// { "sub": "ada", "aud": "notes", "exp": 1790000000,
///   "documents": { "read": ["help/**"], "write": ["ada/*", "plans"] } }
/// ```
///
/// Each entry is a document's name, or a pattern: `?` and `*` stand for anything but `/`, `**` for anything, `[a-z]` for one of
/// these characters and `{a,b}` for one of these words; a `\` before one of them takes away its meaning. Of several entries that
/// match, the highest permission counts.
///
/// A token is verified once and remembered until it expires. A token that is to be taken back before it expires
/// needs another authorizer, so let it live for minutes and renew it.
///
/// ```
/// use leptos_sync_server::{JwtAuthorizer, JwtKey, MemoryLog, Relay};
///
/// let key = JwtKey::hs256(b"a secret of thirty-two bytes or so")?;
/// let relay = Relay::new(MemoryLog::new(), JwtAuthorizer::new(key, "notes"));
/// # Ok::<(), leptos_sync_server::Error>(())
/// ```
pub struct JwtAuthorizer {
    key: JwtKey,
    validation: Validation,
    claim: Cow<'static, str>,
    /// Tokens that were verified, by their bytes.
    verified: Cache<Box<[u8]>, User>,
    patterns: Patterns,
}

impl JwtAuthorizer {
    /// Takes tokens that `key` verifies and that are for `audience`.
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

    /// Takes tokens of this issuer alone: `iss` has to be there and be it.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.validation.set_issuer(&[issuer.into()]);
        self.validation
            .set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        self
    }

    /// The claim that lists documents, `documents` unless said otherwise.
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
        let claims = decode::<Map<String, Value>>(token, self.key.key(), &self.validation)
            .map_err(|error| Denied::unauthorized(why(error.kind())))?
            .claims;
        let name = claims.get("sub").and_then(Value::as_str).unwrap_or("");
        if name.is_empty() || name.len() > limits::USER_BYTES {
            return Err(Denied::unauthorized(format!(
                "the token's `sub` is empty or has more than {} bytes",
                limits::USER_BYTES
            )));
        }
        // Verified above; one without would have expired long ago.
        let expires = claims.get("exp").and_then(Value::as_f64).unwrap_or(0.0);
        let grants = Grants::of(&self.claim, claims.get(&*self.claim))?;
        Ok(User::new(name)
            .expires_at_ms((expires * 1000.0) as u64)
            .with(grants))
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

/// Why a token is not taken, for who has shown it. It says nothing of the key.
fn why(error: &ErrorKind) -> Cow<'static, str> {
    match error {
        ErrorKind::InvalidSignature => "the token is not signed with this relay's key".into(),
        ErrorKind::InvalidAlgorithm => {
            "the token is signed by another algorithm than this relay takes".into()
        }
        ErrorKind::MissingRequiredClaim(claim) => format!("the token has no `{claim}`").into(),
        ErrorKind::InvalidClaimFormat(claim) => {
            format!("the token's `{claim}` cannot be read").into()
        }
        ErrorKind::ExpiredSignature => "the credentials have expired".into(),
        ErrorKind::ImmatureSignature => "the token holds only later (`nbf`)".into(),
        ErrorKind::InvalidAudience => "the token is for somebody else (`aud`)".into(),
        ErrorKind::InvalidIssuer => "the token is of another issuer (`iss`)".into(),
        _ => "this is no JSON Web Token that this relay can verify".into(),
    }
}
