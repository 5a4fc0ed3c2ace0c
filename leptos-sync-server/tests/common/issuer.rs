use std::{fs, path::Path};

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;

const SECRET: &str = "thirty-two bytes, known to nobody";

/// The audience of the tokens.
const AUDIENCE: &str = "relay";

/// The issuer of the tokens.
pub(crate) struct Issuer(EncodingKey);

impl Issuer {
    /// Creates an issuer and the options of a relay that accepts its tokens. Stores the secret in
    /// `folder`.
    pub(crate) fn new(folder: &Path) -> (Self, Vec<String>) {
        let file = folder.join("secret");
        fs::write(&file, SECRET).unwrap();
        let file = file.to_str().unwrap();
        let options = [
            ["--jwt-algorithm", "HS256"],
            ["--jwt-audience", AUDIENCE],
            ["--jwt-key-file", file],
        ];
        let options = options.as_flattened().iter().map(ToString::to_string);
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        (Self(key), options.collect())
    }

    /// Returns a token, valid for some hours, that permits writing every document and administering
    /// the user's own.
    pub(crate) fn token(&self, user: &str) -> String {
        let claims = json!({
            "sub": user, "aud": AUDIENCE, "exp": get_current_timestamp() + 36_000,
            "documents": { "write": ["*", format!("{user}/*")] },
        });
        encode(&Header::default(), &claims, &self.0).unwrap()
    }
}
