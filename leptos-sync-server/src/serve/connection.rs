use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::ConnectInfo, response::IntoResponse as _};
use http::{Request, StatusCode, Version, header};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{sync::watch, time::sleep};

use super::{body::RequestBody, stream::Stream};
use crate::limits;

/// Serves the requests of one connection until it ends or is upgraded. Sets `has_asked` at the
/// first request.
pub(super) async fn serve(
    stream: Stream,
    app: Router,
    has_asked: Arc<AtomicBool>,
    mut closing: watch::Receiver<bool>,
) {
    let (peer, budget) = (stream.peer(), stream.budget());
    let app = TowerToHyperService::new(app);
    let heard = Arc::clone(&has_asked);
    let answer = service_fn(move |mut request: Request<Incoming>| {
        heard.store(true, Ordering::Relaxed);
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(peer));
        extensions.insert(budget.clone());
        let answer = match has_valid_host(&request) {
            true => Ok(app.call(request.map(RequestBody::new))),
            false => Err(StatusCode::BAD_REQUEST.into_response()),
        };
        async {
            match answer {
                Ok(answer) => answer.await,
                Err(refusal) => Ok(refusal),
            }
        }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits::IDLE_MS))
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    let (mut http, mut first) = (
        pin!(http),
        pin!(sleep(Duration::from_millis(limits::HEADER_MS))),
    );
    let (mut is_closing, mut is_first) = (false, true);
    loop {
        tokio::select! {
            ended = http.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "an HTTP connection failed");
                }
                return;
            }
            _ = closing.wait_for(|closing| *closing), if !is_closing => {
                if !has_asked.load(Ordering::Relaxed) {
                    return;
                }
                is_closing = true;
                http.as_mut().graceful_shutdown();
            }
            () = first.as_mut(), if is_first => {
                if !has_asked.load(Ordering::Relaxed) {
                    tracing::debug!(%peer, "a connection sent no request in time");
                    return;
                }
                is_first = false;
            }
        }
    }
}

/// Returns whether a request has one `Host` header, which HTTP/1.1 requires (RFC 9112, section
/// 3.2). With two, a proxy and the app could each believe another one.
fn has_valid_host(request: &Request<Incoming>) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() < Version::HTTP_11,
        hosts => hosts == 1,
    }
}
