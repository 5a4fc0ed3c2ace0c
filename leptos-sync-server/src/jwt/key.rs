use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey, crypto::rust_crypto::DEFAULT_PROVIDER, errors::Result as Parsed,
};

use crate::{error::Error, limits};

/// The key that verifies tokens, with the only algorithm that the relay accepts.
///
/// ```
/// use leptos_sync_server::JwtKey;
///
/// let key = JwtKey::hs256(b"a secret of thirty-two bytes or so")?;
/// assert!(JwtKey::hs256(b"too short").is_err_and(|error| error.is_invalid()));
/// # drop(key);
/// # Ok::<(), leptos_sync_server::Error>(())
/// ```
#[derive(Clone)]
pub struct JwtKey {
    key: DecodingKey,
    algorithm: Algorithm,
}

impl JwtKey {
    /// Creates a key from a secret shared with the issuer, for HMAC with SHA-256.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] if it is shorter than [`limits::SECRET_BYTES`].
    pub fn hs256(secret: &[u8]) -> Result<Self, Error> {
        if secret.len() < limits::SECRET_BYTES {
            return Err(Error::invalid(format!(
                "the secret for HS256 is {} bytes, it must be at least {}; generate a random one",
                secret.len(),
                limits::SECRET_BYTES
            )));
        }
        Ok(Self::new(
            DecodingKey::from_secret(secret),
            Algorithm::HS256,
        ))
    }

    /// Creates a key from the issuer's public key in PEM, for RSA (PKCS #1 v1.5) with SHA-256.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] if `pem` is not such a key.
    pub fn rs256(pem: &[u8]) -> Result<Self, Error> {
        Self::public(DecodingKey::from_rsa_pem(pem), Algorithm::RS256)
    }

    /// Creates a key from the issuer's public key in PEM, for ECDSA on the curve P-256 with
    /// SHA-256.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] if `pem` is not such a key.
    pub fn es256(pem: &[u8]) -> Result<Self, Error> {
        Self::public(DecodingKey::from_ec_pem(pem), Algorithm::ES256)
    }

    /// Creates a key from the issuer's public key in PEM, for Ed25519.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] if `pem` is not such a key.
    pub fn eddsa(pem: &[u8]) -> Result<Self, Error> {
        Self::public(DecodingKey::from_ed_pem(pem), Algorithm::EdDSA)
    }

    fn public(key: Parsed<DecodingKey>, algorithm: Algorithm) -> Result<Self, Error> {
        let key = key.map_err(|error| {
            Error::invalid(format!(
                "the key is not a public key for {algorithm:?} in PEM ({error}); such a file starts with \
                 `-----BEGIN PUBLIC KEY-----`"
            ))
        })?;
        Ok(Self::new(key, algorithm))
    }

    fn new(key: DecodingKey, algorithm: Algorithm) -> Self {
        // If an app enables both back ends of `jsonwebtoken`, the crate panics unless one is
        // chosen. This keeps a choice of the app.
        let _ = DEFAULT_PROVIDER.install_default();
        Self { key, algorithm }
    }

    pub(super) fn key(&self) -> &DecodingKey {
        &self.key
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl fmt::Debug for JwtKey {
    /// Formats the algorithm without the key, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwtKey({:?})", self.algorithm)
    }
}
