//! The check that only pages of the relay's own origin and of allowed origins can connect.
//!
//! A browser sends cookies with the request for a WebSocket from any page, and does not apply the
//! same-origin policy to it. So the relay compares its own origin with that of the page, which the
//! browser sends in the `Origin` header.

use std::fmt;

use http::{HeaderMap, HeaderName, header, request::Parts, uri::Authority};
use url::{Url, form_urlencoded};

use crate::{error::Error, limits};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The origin of a web page: scheme, host and port (RFC 6454), normalized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
    /// Whether the port is the scheme's default.
    is_default_port: bool,
}

impl Origin {
    /// Parses an origin. A trailing slash is allowed, but no path, query or user.
    fn parse(text: &str) -> Result<Self, String> {
        if text.len() > limits::ORIGIN_BYTES {
            let (bytes, most) = (text.len(), limits::ORIGIN_BYTES);
            return Err(format!("it is {bytes} bytes, the limit is {most}"));
        }
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let Some(host) = host else {
            return Err("it has no host".to_owned());
        };
        let is_bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_bare {
            return Err("it has more than a scheme, a host and a port".to_owned());
        }
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host: host.to_ascii_lowercase(),
            port: url.port_or_known_default(),
            is_default_port: url.port().is_none(),
        })
    }

    /// Parses an origin of the relay's options.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] if `text` is not an origin.
    pub(super) fn allowed(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(|why| {
            Error::invalid(format!(
                "{text:?} is not an origin to allow: {why}; write the scheme, the host and, if it is not the default, \
                 the port, such as https://app.example:8443"
            ))
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) if !self.is_default_port => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

/// The origins whose pages may connect, besides the relay's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    pub(super) allowed: Vec<Origin>,
    /// Whether `X-Forwarded-Host` and `X-Forwarded-Proto` determine the relay's own origin.
    pub(super) trust_forwarded: bool,
}

impl Origins {
    /// Checks that the page whose browser sends `request` may connect. Clients other than browsers
    /// send no origin, and may connect.
    ///
    /// # Errors
    ///
    /// If the page may not connect, with a sentence that says what to configure.
    pub(super) fn check(&self, request: &Parts) -> Result<(), String> {
        for name in [header::ORIGIN, header::HOST] {
            if request.headers.get_all(&name).iter().nth(1).is_some() {
                return Err(format!(
                    "the request has more than one `{name}` header, and only one of them can be true"
                ));
            }
        }
        let Some(origin) = request.headers.get(header::ORIGIN) else {
            return Ok(());
        };
        self.check_page(&String::from_utf8_lossy(origin.as_bytes()), request)
    }

    /// Checks the origin in the query of a page: the `Origin` header, or else `origin` in the
    /// query.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Origins::check).
    pub(super) fn check_asked(&self, request: &Parts) -> Result<(), String> {
        if request.headers.contains_key(header::ORIGIN) {
            return self.check(request);
        }
        let query = request.uri.query().unwrap_or_default();
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        match pairs.find(|(name, _)| name == "origin") {
            Some((_, origin)) => self.check_page(&origin, request),
            None => Ok(()),
        }
    }

    fn check_page(&self, origin: &str, request: &Parts) -> Result<(), String> {
        if origin == "null" {
            return Err(
                "pages without an origin may not connect to this relay, such as those opened from a file or in a \
                 sandbox; serve the page over HTTP"
                    .to_owned(),
            );
        }
        let page = Origin::parse(origin)
            .map_err(|why| format!("the page's origin cannot be read: {why}"))?;
        let host = self.host(request);
        if self.allowed.contains(&page) || self.is_own(&page, host, &request.headers) {
            return Ok(());
        }
        Err(refusal(&page, host))
    }

    /// Returns the host to which the request was sent, with its port if the request contains one.
    fn host<'a>(&self, request: &'a Parts) -> Option<&'a str> {
        let value = |name| request.headers.get(name)?.to_str().ok();
        let forwarded = match self.trust_forwarded {
            true => value(FORWARDED_HOST).map(first),
            false => None,
        };
        let authority = || request.uri.authority().map(|authority| authority.as_str());
        forwarded.or_else(|| value(header::HOST)).or_else(authority)
    }

    /// Returns whether a page has the relay's own origin. The relay knows its scheme only if a
    /// proxy sends it.
    fn is_own(&self, page: &Origin, host: Option<&str>, headers: &HeaderMap) -> bool {
        let proto = headers
            .get(FORWARDED_PROTO)
            .and_then(|proto| proto.to_str().ok())
            .filter(|_| self.trust_forwarded);
        let scheme = proto.map_or(&*page.scheme, first);
        let host = host.and_then(|host| host.parse::<Authority>().ok());
        let own = host.map(|host| Origin::parse(&format!("{scheme}://{host}")));
        own.is_some_and(|own| own.as_ref() == Ok(page))
    }
}

/// Returns the first of several values. It comes from the proxy to which the client connects.
fn first(values: &str) -> &str {
    values.split(',').next().unwrap_or(values).trim()
}

/// Returns a sentence that says why a page may not connect, and what to configure.
fn refusal(page: &Origin, host: Option<&str>) -> String {
    let host = host.unwrap_or_default();
    let seen = Origin::parse(&format!("{}://{host}", page.scheme));
    let loses_port = seen
        .is_ok_and(|seen| seen.host == page.host && seen.is_default_port && !page.is_default_port);
    match page.port {
        Some(port) if loses_port => format!(
            "pages of {page} may not connect to this relay, which sees its own host as {host:?}, without the port {port}: \
             a proxy in front of it drops the port. Let the proxy pass the whole host (nginx: `proxy_set_header Host \
             $http_host;`), or allow the origin {page} in the relay's options (`--allow-origin`, \
             `RelayOptions::allow_origins`)"
        ),
        _ => format!(
            "pages of {page} may not connect to this relay, which sees its own host as {host:?}. Allow the origin {page} \
             in the relay's options (`--allow-origin`, `RelayOptions::allow_origins`); if the page and the relay share a \
             host behind a proxy, let the proxy pass it on (nginx: `proxy_set_header Host $http_host;`)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(HeaderName, &str)], uri: &str) -> Parts {
        let mut request = http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    /// Returns whether a page of `origin` may connect to a relay at `host`.
    fn may_connect(allowed: &[&str], host: &str, origin: &str) -> bool {
        let allowed = allowed.iter().map(|text| Origin::allowed(text).unwrap());
        let origins = Origins {
            allowed: allowed.collect(),
            trust_forwarded: false,
        };
        let headers = [(header::HOST, host), (header::ORIGIN, origin)];
        origins.check(&request(&headers, "/")).is_ok()
    }

    #[test]
    fn pages_of_the_relays_own_origin_may_connect_however_it_is_written() {
        for (host, origin) in [
            ("app.example:3000", "http://app.example:3000"),
            ("app.example", "https://app.example"),
            ("app.example:443", "https://app.example"),
            ("app.example:80", "http://app.example"),
            ("APP.example", "https://app.Example"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            assert!(may_connect(&[], host, origin), "{origin} at {host}");
        }
    }

    #[test]
    fn pages_of_an_allowed_origin_may_connect_however_it_is_written() {
        for (allowed, origin) in [
            ("https://friend.example/", "https://friend.example"),
            ("HTTPS://Friend.Example", "https://friend.example"),
            ("https://friend.example:443", "https://friend.example"),
            ("http://friend.example:8080", "http://friend.example:8080"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("tauri://localhost", "tauri://localhost"),
        ] {
            assert!(may_connect(&[allowed], "app.example", origin), "{allowed}");
        }
    }

    #[test]
    fn pages_of_other_origins_may_not_connect() {
        for origin in [
            "http://app.example",
            "https://app.example",
            "http://evil.example",
            "http://friend.example",
            "https://friend.example:8443",
            "https://friend.example.evil.example",
            "http://evil.example/app.example:3000",
            "http://app.example:3000@evil.example",
            "null",
            "",
        ] {
            let allowed = ["https://friend.example"];
            assert!(
                !may_connect(&allowed, "app.example:3000", origin),
                "{origin}"
            );
        }
        // An invalid host matches no origin.
        assert!(!may_connect(&[], "evil.example/", "http://evil.example"));
    }

    #[test]
    fn forwarded_headers_count_only_where_they_are_trusted() {
        let headers = [
            (header::HOST, "127.0.0.1:8080"),
            (header::ORIGIN, "https://app.example"),
            (FORWARDED_HOST, "app.example, inner.example"),
            (FORWARDED_PROTO, "https"),
        ];
        let insecure = [&headers[..3], &[(FORWARDED_PROTO, "http")]].concat();
        let mut origins = Origins::default();
        assert!(origins.check(&request(&headers, "/")).is_err());
        origins.trust_forwarded = true;
        assert!(origins.check(&request(&headers, "/")).is_ok());
        assert!(origins.check(&request(&headers[..3], "/")).is_ok());
        assert!(origins.check(&request(&insecure, "/")).is_err());
    }

    #[test]
    fn requests_with_two_hosts_or_origins_may_not_connect() {
        let (own, other) = ("app.example", "evil.example");
        let origins = Origins::default();
        for headers in [
            [(header::HOST, own), (header::HOST, other)],
            [(header::HOST, other), (header::HOST, own)],
        ] {
            assert!(origins.check(&request(&headers, "/")).is_err());
        }
        let headers = [
            (header::HOST, own),
            (header::ORIGIN, "https://app.example"),
            (header::ORIGIN, "https://evil.example"),
        ];
        let refused = origins.check(&request(&headers, "/")).unwrap_err();
        assert!(refused.contains("more than one `origin`"), "{refused}");
        assert!(origins.check(&request(&headers[..2], "/")).is_ok());
    }

    #[test]
    fn what_is_no_origin_is_refused_when_it_is_configured() {
        let long = format!("https://{}.example", "x".repeat(limits::ORIGIN_BYTES));
        for text in [
            "app.example",
            "https://",
            "https://app.example/notes",
            "https://app.example?x",
            "https://ada@app.example",
            "https://app.example:99999",
            "*",
            "null",
            "data:x",
            "",
            &long,
        ] {
            let error = Origin::allowed(text).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains("https://app.example:8443"));
        }
    }

    #[test]
    fn a_page_learns_what_to_configure() {
        let origins = Origins::default();
        let asked = |host, origin: &str| {
            let uri = format!("/?x=1&origin={origin}");
            let asked = request(&[(header::HOST, host)], &uri);
            origins.check_asked(&asked)
        };
        assert_eq!(asked("app.example", "https%3A%2F%2Fapp.example"), Ok(()));
        let lost = asked("app.example", "http%3A%2F%2Fapp.example%3A8080").unwrap_err();
        assert!(
            lost.contains("drops the port") && lost.contains("$http_host"),
            "{lost}"
        );
        assert!(lost.contains("http://app.example:8080"), "{lost}");
        let other = asked("app.example", "https://evil.example").unwrap_err();
        assert!(other.contains("--allow-origin"), "{other}");
        assert!(!other.contains("drops"), "{other}");
        // The header of the browser takes precedence over the query of the page.
        let headers = [
            (header::HOST, "app.example"),
            (header::ORIGIN, "https://evil.example"),
        ];
        let both = request(&headers, "/?origin=https://app.example");
        assert!(origins.check_asked(&both).is_err());
    }
}
