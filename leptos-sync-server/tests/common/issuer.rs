use std::{fs, path::Path};

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;

const SECRET: &str = "thirty-two bytes, known to nobody";

/// For whom the tokens are.
const AUDIENCE: &str = "relay";

/// Whoever signs tokens.
pub(crate) struct Issuer(EncodingKey);

impl Issuer {
    /// One, and the options of a relay that takes its tokens. The secret is put into `folder`.
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

    /// A token of somebody who may write everything for some hours, and has some documents for themselves.
    pub(crate) fn token(&self, user: &str) -> String {
        let claims = json!({
            "sub": user, "aud": AUDIENCE, "exp": get_current_timestamp() + 36_000,
            "documents": { "write": ["*"], "admin": [format!("{user}/*")] },
        });
        encode(&Header::default(), &claims, &self.0).unwrap()
    }
}
