//! Access by signed tokens, over real WebSockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use common::{Answer, Handle, Raw, Session, entry, serve_relay};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use leptos_sync_core::{
    Time,
    clock::{SystemTime, TimeSource},
    history::{Entry, Patch},
    sync::{Permission, Reason},
};
use leptos_sync_server::{JwtAuthorizer, JwtKey, MemoryLog, Relay, RelayOptions};
use serde_json::{Value, json};

const SECRET: &[u8] = b"thirty-two bytes, known to nobody";

/// A clock that can be set forward.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicU64>);

impl TimeSource for Ahead {
    fn now_ms(&self) -> u64 {
        SystemTime.now_ms() + self.0.load(Ordering::SeqCst)
    }
}

async fn relay(key: JwtKey, time: Ahead) -> SocketAddr {
    let authorizer = JwtAuthorizer::new(key, "notes");
    let options = RelayOptions::default().time(time);
    let relay = Relay::with_options(MemoryLog::new().unwrap(), authorizer, options);
    serve_relay(&relay).await.0
}

async fn relay_of_secret() -> SocketAddr {
    relay(JwtKey::hs256(SECRET).unwrap(), Ahead::default()).await
}

/// Returns claims that are valid for `seconds`.
fn claims(user: &str, seconds: u64) -> Value {
    json!({
        "sub": user,
        "aud": "notes",
        "exp": get_current_timestamp() + seconds,
        "documents": { "read": ["help/*"], "write": ["board"] },
    })
}

fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET);
    encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

/// Returns the reason why the relay rejects a token.
async fn refusal(address: SocketAddr, token: &str) -> String {
    let mut session = Session::open(address, token, "board", &Handle::new()).await;
    let (reason, text) = session.ended().await;
    assert_eq!(reason, Reason::Unauthorized, "{text}");
    text
}

#[tokio::test]
async fn a_token_grants_exactly_the_documents_it_names() {
    let address = relay_of_secret().await;
    let token = signed(&claims("ada", 60));
    let ada = Handle::new();
    let mut at_ada = Session::open(address, &token, "board", &ada).await;
    at_ada.insert(1, "mine");
    at_ada.acknowledged().await;
    // Ada may read but not write this document.
    let help = Handle::new();
    let mut at_help = Session::open(address, &token, "help/start", &help).await;
    at_help.insert(1, "mine too");
    at_help
        .until("the permission", |help| {
            help.state().permissions == [Permission::Read]
        })
        .await;
    assert_eq!(help.unanswered(), 1);
    // Ada must not see this document.
    let other = Handle::new();
    let mut at_other = Session::open(address, &token, "help/start/old", &other).await;
    let closed = |other: &Handle| other.state().closed.is_some();
    at_other.until("the document to close", closed).await;
    let closed = other.state().closed.clone().unwrap();
    assert_eq!(closed.0, Reason::Forbidden);
    // The user is the subject of the token, so Bob cannot use Ada's replica id.
    let token = signed(&claims("bob", 60));
    let mut at_bob = Raw::open(address, &token, "board").await;
    let (own, head) = {
        let state = ada.state();
        let heads = state.replica.heads();
        heads[0]
    };
    let forged = Entry {
        previous: head.hash,
        ..entry(own.get(), head.number + 1, Time::ZERO, Patch::default())
    };
    at_bob.push(&[forged]).await;
    assert_eq!(at_bob.answer().await, Answer::Reject(Reason::Forged));
}

#[tokio::test]
async fn each_algorithm_verifies_only_its_own_signatures() {
    let keys = [
        (
            Algorithm::HS256,
            EncodingKey::from_secret(SECRET),
            JwtKey::hs256(SECRET),
        ),
        (
            Algorithm::RS256,
            EncodingKey::from_rsa_pem(include_bytes!("keys/rs256.pem")).unwrap(),
            JwtKey::rs256(include_bytes!("keys/rs256.pub.pem")),
        ),
        (
            Algorithm::ES256,
            EncodingKey::from_ec_pem(include_bytes!("keys/es256.pem")).unwrap(),
            JwtKey::es256(include_bytes!("keys/es256.pub.pem")),
        ),
        (
            Algorithm::EdDSA,
            EncodingKey::from_ed_pem(include_bytes!("keys/eddsa.pem")).unwrap(),
            JwtKey::eddsa(include_bytes!("keys/eddsa.pub.pem")),
        ),
    ];
    let tokens: Vec<_> = keys
        .iter()
        .map(|(algorithm, key, _)| encode(&Header::new(*algorithm), &claims("ada", 60), key))
        .map(Result::unwrap)
        .collect();
    for (at, (algorithm, _, key)) in keys.into_iter().enumerate() {
        let address = relay(key.unwrap(), Ahead::default()).await;
        for (other, token) in tokens.iter().enumerate() {
            if other == at {
                let mut session = Session::open(address, token, "board", &Handle::new()).await;
                session.insert(1, "mine");
                session.acknowledged().await;
            } else {
                let text = refusal(address, token).await;
                assert!(
                    text.contains("an algorithm that this relay does not accept"),
                    "{algorithm:?}: {text}"
                );
            }
        }
    }
}

/// A known attack uses the public key as an HMAC secret.
#[tokio::test]
async fn a_token_signed_with_the_public_key_as_secret_is_rejected() {
    let public = include_bytes!("keys/rs256.pub.pem");
    let address = relay(JwtKey::rs256(public).unwrap(), Ahead::default()).await;
    let key = EncodingKey::from_secret(public);
    let token = encode(&Header::new(Algorithm::HS256), &claims("ada", 60), &key).unwrap();
    let text = refusal(address, &token).await;
    assert!(
        text.contains("an algorithm that this relay does not accept"),
        "{text}"
    );
}

/// A token may require that its reader supports an extension (RFC 7515, section 4.1.11).
#[tokio::test]
async fn a_token_that_requires_an_unknown_extension_is_rejected() {
    let address = relay_of_secret().await;
    let key = EncodingKey::from_secret(SECRET);
    for required in [vec!["only-on-mondays".to_owned()], Vec::new()] {
        let header = Header {
            crit: Some(required.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let token = encode(&header, &claims("ada", 60), &key).unwrap();
        let text = refusal(address, &token).await;
        assert!(text.contains("crit"), "{text}");
        assert!(required.iter().all(|name| text.contains(name)), "{text}");
        assert_eq!(text.contains("empty"), required.is_empty(), "{text}");
    }
}

const MUST_BE_SECONDS: &str = "`exp` must be a number of seconds since 1970";

/// A token can contain what looks like another line of a log, or text that runs backwards.
#[tokio::test]
async fn what_a_token_contains_is_quoted_in_one_line() {
    let address = relay_of_secret().await;
    let bad = "\u{202e}\n\x1b[31mERROR";
    let header = Header {
        crit: Some(vec![bad.repeat(20); 3]),
        ..Header::new(Algorithm::HS256)
    };
    let key = EncodingKey::from_secret(SECRET);
    let mut foreign = claims("ada", 60);
    foreign["documents"] = json!({ bad: [] });
    let mut glob = claims("ada", 60);
    glob["documents"] = json!({ "read": [format!("[{bad}")] });
    for token in [
        encode(&header, &claims("ada", 60), &key).unwrap(),
        signed(&foreign),
        signed(&glob),
    ] {
        let text = refusal(address, &token).await;
        assert!(
            !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{text:?}"
        );
        assert!(text.len() < 400, "{text}");
    }
}

#[tokio::test]
async fn an_invalid_token_is_rejected_with_the_reason() {
    let address = relay_of_secret().await;
    let with = |name: &str, value: Value| {
        let mut claims = claims("ada", 60);
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims
                .as_object_mut()
                .unwrap()
                .insert(name.to_owned(), value),
        };
        signed(&claims)
    };
    let good = signed(&claims("ada", 60));
    let mut parts: Vec<_> = good.split('.').collect();
    let other = signed(&claims("eve", 60));
    parts[1] = other.split('.').nth(1).unwrap();
    let changed = parts.join(".");
    // The header is `{"alg":"none"}`. Try it with and without a signature.
    parts[0] = "eyJhbGciOiJub25lIn0";
    let none = parts.join(".");
    parts[2] = "";
    let bare = parts.join(".");
    let now = get_current_timestamp();
    let mut old = claims("ada", 0);
    old["exp"] = json!(now - 3600);
    for (token, expected) in [
        (changed, "not signed with the key"),
        (none, "not a JSON Web Token that this relay can verify"),
        (bare, "not a JSON Web Token that this relay can verify"),
        ("ada".to_owned(), "not a JSON Web Token"),
        (String::new(), "not a JSON Web Token"),
        (with("exp", Value::Null), "has no `exp`"),
        (with("exp", json!("tomorrow")), MUST_BE_SECONDS),
        (with("exp", json!(-1)), MUST_BE_SECONDS),
        (with("exp", json!(1e300)), MUST_BE_SECONDS),
        (with("exp", json!(true)), MUST_BE_SECONDS),
        (
            with("nbf", json!("now")),
            "`nbf` must be a number of seconds since 1970",
        ),
        (with("sub", json!(5)), "`sub` must be a string"),
        (with("aud", json!({})), "`aud` must be a string or a list"),
        (with("aud", Value::Null), "has no `aud`"),
        (with("sub", Value::Null), "has no `sub`"),
        (with("sub", json!("")), "`sub` is 0 bytes"),
        (
            with("sub", json!("x".repeat(257))),
            "`sub` is 257 bytes, it must be 1 to 256",
        ),
        (with("aud", json!("mail")), "for another audience"),
        (with("nbf", json!(now + 3600)), "not valid yet"),
        (with("documents", json!(["board"])), "`documents`"),
        (signed(&old), "have expired"),
        // The token expired within the leeway for clock skew, which does not apply to the expiry.
        (with("exp", json!(now - 1)), "have expired"),
    ] {
        let text = refusal(address, &token).await;
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let key = EncodingKey::from_secret(b"another secret, of thirty-two bytes");
    let foreign = encode(&Header::new(Algorithm::HS256), &claims("ada", 60), &key).unwrap();
    let text = refusal(address, &foreign).await;
    assert!(text.contains("not signed with the key"), "{text}");
    // A valid token stays valid: with a distant expiry, with several audiences, and within the
    // leeway.
    for token in [
        good,
        with("exp", json!(1e19)),
        with("aud", json!(["mail", "notes"])),
        with("nbf", json!(now + 10)),
    ] {
        let mut session = Session::open(address, &token, "board", &Handle::new()).await;
        session.insert(1, "mine");
        session.acknowledged().await;
    }
}

/// The guide's claims are data, which no compiler checks.
#[tokio::test]
async fn the_claims_in_the_guide_grant_what_it_says() {
    let guide = include_str!("../../docs/guide/sign-in.md");
    let block = guide.split("```json").nth(1).unwrap();
    let mut claims: Value = serde_json::from_str(block.split("```").next().unwrap()).unwrap();
    claims["exp"] = json!(get_current_timestamp() + 60);
    let address = relay_of_secret().await;
    let mut session = Session::open(address, &signed(&claims), "notes/ada/1", &Handle::new()).await;
    session.insert(1, "mine");
    session.acknowledged().await;
}

#[tokio::test]
async fn the_issuer_and_the_name_of_the_claim_can_be_configured() {
    let authorizer = JwtAuthorizer::new(JwtKey::hs256(SECRET).unwrap(), "notes")
        .issuer("https://id.example")
        .claim("https://notes.example/documents");
    let relay = Relay::new(MemoryLog::new().unwrap(), authorizer);
    let (address, _) = serve_relay(&relay).await;
    let mut claims = claims("ada", 60);
    let text = refusal(address, &signed(&claims)).await;
    assert!(text.contains("has no `iss`"), "{text}");
    claims["iss"] = json!("https://evil.example");
    let text = refusal(address, &signed(&claims)).await;
    assert!(text.contains("another issuer"), "{text}");
    claims["iss"] = json!("https://id.example");
    claims["https://notes.example/documents"] = json!({ "write": ["mine"] });
    let mut session = Session::open(address, &signed(&claims), "mine", &Handle::new()).await;
    session.insert(1, "mine");
    session.acknowledged().await;
}

#[tokio::test]
async fn an_expired_token_ends_the_connection_within_a_second() {
    let address = relay_of_secret().await;
    let claims = claims("ada", 2);
    let expires_ms = claims["exp"].as_u64().unwrap() * 1000;
    let mut session = Session::open(address, &signed(&claims), "board", &Handle::new()).await;
    session.insert(1, "mine");
    session.acknowledged().await;
    let (reason, text) = session.ended().await;
    let late_ms = SystemTime.now_ms().checked_sub(expires_ms);
    assert_eq!(reason, Reason::Unauthorized);
    assert!(text.contains("have expired"), "{text}");
    // Tolerate half a second on a busy machine.
    assert!(
        late_ms.is_some_and(|late| late < 1_500),
        "{late_ms:?} ms late"
    );
    // A cached token expires too.
    let text = refusal(address, &signed(&claims)).await;
    assert!(text.contains("have expired"), "{text}");
}

#[tokio::test]
async fn a_renewed_token_keeps_the_session_and_updates_its_permissions() {
    let time = Ahead::default();
    let address = relay(JwtKey::hs256(SECRET).unwrap(), time.clone()).await;
    let ada = Handle::new();
    let token = signed(&claims("ada", 600));
    let mut session = Session::open(address, &token, "board", &ada).await;
    session.insert(1, "first");
    session.acknowledged().await;
    let renewed = signed(&claims("ada", 3600));
    session.client.set_credentials(renewed.into_bytes());
    session.insert(2, "second");
    session.acknowledged().await;
    // The first token has expired by now.
    time.0.store(1_800_000, Ordering::SeqCst);
    session.insert(3, "third");
    session.acknowledged().await;
    // A token with fewer permissions takes effect immediately.
    let mut less = claims("ada", 3600);
    less["documents"] = json!({ "read": ["board"] });
    session.client.set_credentials(signed(&less).into_bytes());
    session.insert(4, "fourth");
    session
        .until("the new permission", |ada| {
            ada.state().permissions.last() == Some(&Permission::Read)
        })
        .await;
    assert_eq!(ada.card(3).as_deref(), Some("third"));
    assert_eq!(ada.unanswered(), 1, "the edit waits for a permission");
    // Without a renewal, the session ends.
    time.0.store(3_601_000, Ordering::SeqCst);
    session.insert(5, "fifth");
    let (reason, text) = session.ended().await;
    assert_eq!(reason, Reason::Unauthorized, "{text}");
}

#[tokio::test]
async fn renewing_with_another_users_token_ends_the_session() {
    let address = relay_of_secret().await;
    let token = signed(&claims("ada", 60));
    let mut session = Session::open(address, &token, "board", &Handle::new()).await;
    session.insert(1, "mine");
    session.acknowledged().await;
    let bobs = signed(&claims("bob", 60));
    session.client.set_credentials(bobs.into_bytes());
    let (reason, text) = session.ended().await;
    assert_eq!(reason, Reason::Unauthorized);
    assert!(text.contains("another user"), "{text}");
}

#[test]
fn an_invalid_key_is_an_error_that_names_the_requirement() {
    let short = JwtKey::hs256(b"too short").unwrap_err();
    assert!(
        short.is_invalid() && short.to_string().contains("32"),
        "{short}"
    );
    for key in [
        JwtKey::rs256(include_bytes!("keys/es256.pub.pem")),
        JwtKey::es256(include_bytes!("keys/eddsa.pub.pem")),
        JwtKey::eddsa(b"-----BEGIN PUBLIC KEY-----"),
        JwtKey::rs256(SECRET),
    ] {
        let error = key.unwrap_err();
        assert!(error.is_invalid(), "{error}");
        assert!(error.to_string().contains("PUBLIC KEY"), "{error}");
    }
}
