use std::convert::Infallible;

use axum::{
    Router,
    extract::{
        FromRef, FromRequestParts, OriginalUri, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};

use leptos_sync_core::sync::{PROTOCOL, Reason};

use super::{
    Relay,
    budget::ReadBudget,
    metrics::{Metrics, Refused},
    socket::Socket,
};
use crate::limits;

/// Returns the routes of a relay, to nest into the router of an app.
///
/// | Path | Answer |
/// |---|---|
/// | `/` | a WebSocket; for an ordinary request, a text that says whether a page may connect |
/// | `/healthz` | 200, with a warning in its text after the machine's clock has jumped; or 503 while the log cannot be read or written within [`limits::HEALTH_MS`] and while the relay shuts down |
/// | `/metrics` | the metrics of `RelayOptions::prometheus` (feature `prometheus`) |
///
/// ```
/// use axum::Router;
/// use leptos_sync_server::{AllowAnyone, MemoryLog, Relay, router};
///
/// let relay = Relay::new(MemoryLog::new()?, AllowAnyone);
/// let app: Router = Router::new().nest("/sync", router(relay));
/// # Ok::<(), leptos_sync_server::Error>(())
/// ```
///
/// The state is a [`Relay`], or an app's state that contains one (`Relay: FromRef<AppState>`).
///
/// Serve the routes with `TCP_NODELAY`, for example with `axum::serve::ListenerExt::tap_io`.
/// Otherwise the second of two consecutive frames may wait 40 ms until the client's system has
/// confirmed the first.
///
/// # Origins
///
/// Only pages of the relay's own origin and of the origins in
/// [`RelayOptions::allow_origins`](super::RelayOptions::allow_origins) may connect, because a
/// browser sends cookies with the request for a WebSocket from any page.
///
/// A browser hides from a page why it could not open a WebSocket. So the answer to an ordinary
/// `GET /?origin={origin of the page}` is 200 with `leptos-sync relay` and the protocol's version
/// if pages of that origin may connect. Otherwise it is 403 with `leptos-sync relay: ` and a
/// sentence that says what to configure.
pub fn router<S, S2>(state: S) -> Router<S2>
where
    Relay: FromRef<S>,
    S: Clone + Send + Sync + 'static,
    S2: Clone + Send + Sync + 'static,
{
    routes().with_state(Relay::from_ref(&state))
}

fn routes() -> Router<Relay> {
    let routes = Router::new()
        .route("/", get(connect))
        .route("/healthz", get(health));
    #[cfg(feature = "prometheus")]
    let routes = routes.route("/metrics", get(metrics));
    routes
}

/// Answers whether the relay can serve clients, for a load balancer.
async fn health(State(relay): State<Relay>) -> (StatusCode, &'static str) {
    match relay.0.health().await {
        Ok(text) => (StatusCode::OK, text),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
    }
}

/// Answers with the metrics of the process, if the options contain them.
#[cfg(feature = "prometheus")]
async fn metrics(State(relay): State<Relay>) -> Response {
    match &relay.0.options.prometheus {
        Some(prometheus) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
            (kind, prometheus.render()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Opens a WebSocket. For an ordinary request, answers whether a page may open one.
async fn connect(
    State(relay): State<Relay>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: RequestHead,
) -> Response {
    let RequestHead(parts) = request;
    let origins = &relay.0.options.origins;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(_) if !parts.headers.contains_key(header::UPGRADE) => {
            return answer_page(origins.check_asked(&parts));
        }
        Err(rejection) => return rejection.into_response(),
    };
    if let Err(reason) = origins.check(&parts) {
        tracing::warn!(reason, "refused a connection because of its origin");
        Metrics::refused(Refused::Connection, Reason::Forbidden);
        return answer_page(Err(reason));
    }
    let budget = parts.extensions.get::<ReadBudget>().cloned();
    if let Some(budget) = &budget {
        budget.limit(limits::GREETING_BYTES);
    }
    upgrade
        .read_buffer_size(limits::SOCKET_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * leptos_sync_core::limits::FRAME_BYTES)
        .max_frame_size(limits::SOCKET_MESSAGE_BYTES)
        .max_message_size(limits::SOCKET_MESSAGE_BYTES)
        .on_upgrade(move |socket| async move {
            // `Relay::shut_down` waits until this is dropped.
            let _open = relay.0.closing.subscribe();
            let mut socket = Socket::new(socket, budget);
            relay.serve(parts, &mut socket).await;
            socket.close().await;
        })
}

/// Answers whether a page may connect. Any page can read this answer.
fn answer_page(checked: Result<(), String>) -> Response {
    let (status, text) = match checked {
        Ok(()) => (
            StatusCode::OK,
            format!("leptos-sync relay, protocol {PROTOCOL}"),
        ),
        Err(reason) => (
            StatusCode::FORBIDDEN,
            // With the relay's name, since a proxy may answer 403 too.
            format!("leptos-sync relay: {reason}"),
        ),
    };
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, text).into_response()
}

/// A copy of the head of a request. The original is a part of the server's read buffer, which is
/// several times larger and would stay in memory as long as the connection.
struct RequestHead(Parts);

impl<S: Sync> FromRequestParts<S> for RequestHead {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let mut head = axum::http::Request::new(()).into_parts().0;
        head.method = parts.method.clone();
        head.uri = copied(&parts.uri);
        head.version = parts.version;
        head.headers = parts.headers.iter().filter_map(copied_header).collect();
        head.extensions = parts.extensions.clone();
        if let Some(OriginalUri(uri)) = head.extensions.get_mut() {
            *uri = copied(uri);
        }
        Ok(Self(head))
    }
}

fn copied(uri: &Uri) -> Uri {
    uri.to_string().parse().unwrap_or_default()
}

fn copied_header((name, value): (&HeaderName, &HeaderValue)) -> Option<(HeaderName, HeaderValue)> {
    let mut copy = HeaderValue::from_bytes(value.as_bytes()).ok()?;
    copy.set_sensitive(value.is_sensitive());
    Some((name.clone(), copy))
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn the_stored_request_shares_no_memory_with_the_servers_buffer() {
        let buffer = Bytes::from(b"/sync?page=1 session=ada".repeat(100));
        let uri = Uri::from_maybe_shared(buffer.slice(..12)).unwrap();
        let mut cookie = HeaderValue::from_maybe_shared(buffer.slice(13..24)).unwrap();
        cookie.set_sensitive(true);
        let mut request = axum::http::Request::new(()).into_parts().0;
        request.uri = uri.clone();
        request.extensions.insert(OriginalUri(uri.clone()));
        request.headers.append(header::COOKIE, cookie.clone());
        request.headers.append(header::COOKIE, cookie.clone());
        let Ok(RequestHead(kept)) = block_on(RequestHead::from_request_parts(&mut request, &()));
        assert_eq!(kept.uri, uri);
        assert_eq!(kept.headers, request.headers);
        assert!(kept.headers.values().all(HeaderValue::is_sensitive));
        drop((request, uri, cookie));
        assert!(buffer.is_unique());
    }
}
