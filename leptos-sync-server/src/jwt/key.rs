use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey, crypto::rust_crypto::DEFAULT_PROVIDER, errors::Result as Parsed,
};

use crate::{error::Error, limits};

/// What tokens are verified with, and the one algorithm that they may be signed by: a token cannot choose another.
#[derive(Clone)]
pub struct JwtKey {
    key: DecodingKey,
    algorithm: Algorithm,
}

impl JwtKey {
    /// A secret that the issuer has too, for HMAC with SHA-256.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] where it has less than [`limits::SECRET_BYTES`].
    pub fn hs256(secret: &[u8]) -> Result<Self, Error> {
        if secret.len() < limits::SECRET_BYTES {
            return Err(Error::invalid(format!(
                "a secret for HS256 needs at least {} random bytes, and this one has {}",
                limits::SECRET_BYTES,
                secret.len()
            )));
        }
        Ok(Self::new(
            DecodingKey::from_secret(secret),
            Algorithm::HS256,
        ))
    }

    /// The issuer's public key in PEM, for RSA (PKCS #1 v1.5) with SHA-256.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] where it is no such key.
    pub fn rs256(pem: &[u8]) -> Result<Self, Error> {
        Self::public(DecodingKey::from_rsa_pem(pem), Algorithm::RS256)
    }

    /// The issuer's public key in PEM, for ECDSA on the curve P-256 with SHA-256.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] where it is no such key.
    pub fn es256(pem: &[u8]) -> Result<Self, Error> {
        Self::public(DecodingKey::from_ec_pem(pem), Algorithm::ES256)
    }

    /// The issuer's public key in PEM, for Ed25519.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] where it is no such key.
    pub fn eddsa(pem: &[u8]) -> Result<Self, Error> {
        Self::public(DecodingKey::from_ed_pem(pem), Algorithm::EdDSA)
    }

    fn public(key: Parsed<DecodingKey>, algorithm: Algorithm) -> Result<Self, Error> {
        let key = key.map_err(|error| {
            Error::invalid(format!(
                "this is no public key for {algorithm:?} in PEM ({error}); it begins with `-----BEGIN PUBLIC KEY-----`"
            ))
        })?;
        Ok(Self::new(key, algorithm))
    }

    fn new(key: DecodingKey, algorithm: Algorithm) -> Self {
        // Where an app has enabled both of the crate's back ends, it would not know which to take, and panic. One that was
        // chosen already stays.
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
    /// Without the key, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwtKey({:?})", self.algorithm)
    }
}
