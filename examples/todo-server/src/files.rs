//! Serves the files of the page, with compression, cache headers, and a content security policy.

use std::path::{Path, PathBuf};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};
use tower_http::{compression::CompressionLayer, services::ServeDir};

/// The cache policy of files whose names contain a hash of their content: they never change.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The cache policy of all other files. They may change, so the browser has to ask the server.
const ASK: HeaderValue = HeaderValue::from_static("no-cache");

/// The minimum number of hexadecimal digits in a hash. trunk writes at most 16.
const HASH_DIGITS: usize = 12;

/// Serves the folder of a built page.
///
/// Files are compressed when they are requested, unless the folder has them compressed already
/// (`todo.js.br`, `todo.js.gz`).
pub(crate) fn files(dist: &Path) -> Router {
    let folder = ServeDir::new(dist).precompressed_br().precompressed_gzip();
    Router::new()
        .fallback_service(folder)
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(dist.join("index.html"), add_headers))
}

async fn add_headers(State(index): State<PathBuf>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let caching = match is_hashed(path) {
        true => FOR_EVER,
        false => ASK,
    };
    let is_page = path.ends_with('/') || path.ends_with(".html");
    let mut response = next.run(request).await;
    let is_found = response.status().is_success() || response.status().is_redirection();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, if is_found { caching } else { ASK });
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_page {
        // Read the file for each request, because the page may be built again while it is served.
        let html = tokio::fs::read_to_string(index).await.unwrap_or_default();
        if let Ok(policy) = HeaderValue::try_from(policy(&html)) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
    }
    response
}

/// Returns whether the name of a file ends with a hash of its content: `todo-1f0e….js`,
/// `todo-1f0e…_bg.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    let stem = stem.strip_suffix("_bg").unwrap_or(stem);
    let Some((_, hash)) = stem.rsplit_once('-') else {
        return false;
    };
    hash.len() >= HASH_DIGITS && hash.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Returns the policy under which the page runs: only its own files, WebAssembly, connections to
/// its own server, and the scripts that `html` contains, each named by its hash.
fn policy(html: &str) -> String {
    let mut scripts = String::from("'self' 'wasm-unsafe-eval'");
    for script in inline_scripts(html) {
        let hash = BASE64_STANDARD.encode(Sha256::digest(script));
        scripts.push_str(&format!(" 'sha256-{hash}'"));
    }
    format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Returns the texts of a page's inline scripts. It is not an HTML parser, but suffices for a page
/// that the author of the app has built.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (_, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script>")?;
        (!script.is_empty()).then_some(script)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use axum::{
        body::Body,
        http::{
            StatusCode,
            header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE},
        },
    };
    use tower::ServiceExt as _;

    use super::*;

    const HASHED: &str = "/todo-0123456789abcdef_bg.wasm";

    /// Creates a folder with a page, a style sheet that may change, and a file that never does.
    fn dist() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let script = "<script src=\"./a.js\"></script><script type=module>init()</script>";
        fs::write(dir.path().join("index.html"), script).unwrap();
        fs::write(dir.path().join("style.css"), "a".repeat(9_000)).unwrap();
        fs::write(dir.path().join(&HASHED[1..]), "b".repeat(9_000)).unwrap();
        dir
    }

    async fn get(dist: &Path, path: &str, encodings: &str) -> Response {
        let request = Request::get(path).header(ACCEPT_ENCODING, encodings);
        let request = request.body(Body::empty()).unwrap();
        files(dist).oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn files_are_sent_compressed_to_browsers_that_can_read_it() {
        let dist = dist();
        for path in ["/style.css", HASHED] {
            for (encodings, expected) in [("gzip, br", "br"), ("gzip", "gzip"), ("", "")] {
                let answer = get(dist.path(), path, encodings).await;
                let encoding = answer.headers().get(CONTENT_ENCODING);
                let encoding = encoding.map_or("", |encoding| encoding.to_str().unwrap());
                assert_eq!(encoding, expected, "{path}");
                let body = axum::body::to_bytes(answer.into_body(), 10_000).await;
                let is_small = body.unwrap().len() < 1_000;
                assert_eq!(is_small, !expected.is_empty(), "{path} as {expected:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_is_compressed_already_is_sent_as_it_is() {
        let dist = dist();
        fs::write(dist.path().join("style.css.br"), "compressed before").unwrap();
        let answer = get(dist.path(), "/style.css", "br").await;
        assert_eq!(answer.headers()[CONTENT_TYPE], "text/css");
        let body = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
        assert_eq!(body, "compressed before");
    }

    #[tokio::test]
    async fn only_files_with_a_hash_in_their_name_are_stored_without_asking() {
        let dist = dist();
        for (path, status, caching) in [
            ("/", StatusCode::OK, &ASK),
            ("/style.css", StatusCode::OK, &ASK),
            (HASHED, StatusCode::OK, &FOR_EVER),
            ("/no-0123456789abcdef.js", StatusCode::NOT_FOUND, &ASK),
        ] {
            let answer = get(dist.path(), path, "").await;
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(answer.headers().get(CACHE_CONTROL), Some(caching), "{path}");
        }
    }

    #[tokio::test]
    async fn the_page_runs_its_own_scripts_and_no_others() {
        let dist = dist();
        let policy = async |path| {
            let answer = get(dist.path(), path, "").await;
            let policy = answer.headers().get(CONTENT_SECURITY_POLICY)?;
            Some(policy.to_str().unwrap().to_owned())
        };
        // The output of `printf 'init()' | openssl sha256 -binary | base64`.
        let hash = "w4ujnOpjBoH2vcasx+reJRUwYivG8Q3afx/XevGJod8=";
        let scripts = format!("script-src 'self' 'wasm-unsafe-eval' 'sha256-{hash}';");
        let first = policy("/").await.unwrap();
        assert!(first.contains(&scripts), "{first}");
        assert_eq!(policy("/style.css").await, None);
        // A page that is built again contains other scripts.
        fs::write(dist.path().join("index.html"), "<script>other()</script>").unwrap();
        assert_ne!(policy("/index.html").await, Some(first));
    }

    #[test]
    fn a_hash_is_told_from_a_word() {
        for (path, expected) in [
            ("/todo-0123456789abcdef.js", true),
            ("/a/style-0123456789ab.css", true),
            ("/todo.js", false),
            ("/service-worker.js", false),
            ("/a-0123456789abcdef/todo.js", false),
            ("/", false),
        ] {
            assert_eq!(is_hashed(path), expected, "{path}");
        }
    }
}
