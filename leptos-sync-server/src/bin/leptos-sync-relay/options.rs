use std::{
    fmt::{self, Display, Formatter},
    fs,
    net::SocketAddr,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use clap::{ArgGroup, Args, Parser, ValueEnum};
use leptos_sync_server::{JwtAuthorizer, JwtKey, limits};

/// A relay of leptos-sync: stores documents in an SQLite file and exchanges them between clients.
/// It serves a WebSocket at `/`, `/healthz`, and with `--metrics`, `/metrics`. Put a proxy in front
/// of it for TLS.
#[derive(Parser)]
#[command(name = "leptos-sync-relay", version)]
pub(crate) struct Options {
    /// The address to listen on. Port 0 is any free port.
    #[arg(long, env = "LEPTOS_SYNC_LISTEN", default_value = "127.0.0.1:4000")]
    pub(crate) listen: SocketAddr,

    /// The database file of the documents. It is created if it does not exist.
    #[arg(long, env = "LEPTOS_SYNC_DATABASE", value_name = "FILE")]
    pub(crate) database: PathBuf,

    /// The file of the secret key with which the relay recognizes states that it once reported to
    /// clients. The relay creates the file if it does not exist. By default, it is beside the
    /// database, with `-key` after its name. Keep it when you restore the database from a backup:
    /// clients then restore what the backup lacks.
    #[arg(long, env = "LEPTOS_SYNC_SEAL_KEY_FILE", value_name = "FILE")]
    pub(crate) seal_key_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) access: Access,

    /// Remove this document for good, and exit. Repeat the option for several. Stop the relay
    /// first: only one process may open the database. The name can never be used again, and
    /// clients learn that the document was removed. They keep what they have until their users
    /// discard it.
    #[arg(long, value_name = "DOCUMENT", group = "access")]
    pub(crate) remove: Vec<String>,

    /// Another origin whose pages may connect, such as `https://app.example`. Repeat the option, or
    /// separate several with commas.
    #[arg(
        long,
        env = "LEPTOS_SYNC_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub(crate) allow_origin: Vec<String>,

    /// Take the relay's own origin from X-Forwarded-Host and X-Forwarded-Proto. Use this only
    /// behind a proxy that sets or removes these headers.
    #[arg(long, env = "LEPTOS_SYNC_TRUST_FORWARDED_HEADERS")]
    pub(crate) trust_forwarded_headers: bool,

    /// The number of days for which to keep tombstones of removed data; 0 or `never` keeps them
    /// forever. Clients that were offline longer compare all their data with the relay's, and keep
    /// their unsent edits.
    #[arg(
        long,
        env = "LEPTOS_SYNC_RETENTION_DAYS",
        value_name = "DAYS",
        default_value_t = Retention::DEFAULT
    )]
    pub(crate) retention_days: Retention,

    /// The number of seconds for which this machine's clock must be stable after a jump before the
    /// relay uses it. Until then, the relay continues with the time before the jump.
    #[arg(
        long,
        env = "LEPTOS_SYNC_CLOCK_SETTLE_SECONDS",
        value_name = "SECONDS",
        default_value_t = limits::CLOCK_SETTLE_MS / 1000
    )]
    pub(crate) clock_settle_seconds: u64,

    /// Let clients restore edits of other users without a proof. Use it after the database was
    /// restored without its key, until the clients have connected once: meanwhile, each user who
    /// may write a document can forge edits of its other users.
    #[arg(long, env = "LEPTOS_SYNC_ACCEPT_UNPROVEN")]
    pub(crate) accept_unproven: bool,

    /// The number of documents that one connection may have open.
    #[arg(
        long,
        env = "LEPTOS_SYNC_MAX_DOCUMENTS",
        value_name = "COUNT",
        default_value_t = limits::DOCUMENTS
    )]
    pub(crate) max_documents: usize,

    /// The number of TCP connections that may be open at a time. The program raises the limit of
    /// open files for them as far as the system permits.
    #[arg(
        long,
        env = "LEPTOS_SYNC_MAX_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = limits::CONNECTIONS
    )]
    pub(crate) max_connections: usize,

    /// Serve metrics for Prometheus at /metrics.
    #[arg(long, env = "LEPTOS_SYNC_METRICS")]
    pub(crate) metrics: bool,
}

/// A number of days; 0 means forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retention {
    days: u32,
}

impl Retention {
    const DEFAULT: Self = Self {
        days: limits::RETENTION_DAYS,
    };

    /// Returns the retention as an option of the relay.
    pub(crate) fn time(self) -> Option<Duration> {
        let day = Duration::from_secs(24 * 60 * 60);
        (self.days > 0).then(|| day * self.days)
    }
}

impl FromStr for Retention {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let days = match text {
            "never" => Ok(0),
            days => days.parse(),
        };
        let days = days.map_err(|_| "write a number of days, or `never`")?;
        Ok(Self { days })
    }
}

impl Display for Retention {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.days {
            0 => f.write_str("never"),
            days => days.fmt(f),
        }
    }
}

/// The authorizer. Exactly one of these options is required.
#[derive(Args)]
#[command(group(ArgGroup::new("access").required(true)))]
pub(crate) struct Access {
    /// Let anyone who can connect read and write all documents.
    #[arg(long, group = "access")]
    allow_anyone: bool,

    /// Admit clients with a JSON Web Token that is signed with this algorithm.
    #[arg(
        long,
        env = "LEPTOS_SYNC_JWT_ALGORITHM",
        group = "access",
        requires_all = ["jwt_key_file", "jwt_audience"]
    )]
    jwt_algorithm: Option<Algorithm>,

    /// The file that contains the secret (HS256) or the issuer's public key in PEM (other
    /// algorithms).
    #[arg(long, env = "LEPTOS_SYNC_JWT_KEY_FILE", value_name = "FILE")]
    jwt_key_file: Option<PathBuf>,

    /// The required audience of tokens (`aud`).
    #[arg(long, env = "LEPTOS_SYNC_JWT_AUDIENCE", value_name = "NAME")]
    jwt_audience: Option<String>,

    /// The required issuer of tokens (`iss`).
    #[arg(long, env = "LEPTOS_SYNC_JWT_ISSUER", value_name = "NAME")]
    jwt_issuer: Option<String>,

    /// The claim with the permissions.
    #[arg(
        long,
        env = "LEPTOS_SYNC_JWT_CLAIM",
        value_name = "NAME",
        default_value = "documents"
    )]
    jwt_claim: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Algorithm {
    #[value(name = "HS256")]
    Hs256,
    #[value(name = "RS256")]
    Rs256,
    #[value(name = "ES256")]
    Es256,
    #[value(name = "EdDSA")]
    EdDsa,
}

impl Access {
    /// Creates the authorizer that the options describe, or returns `None` if anyone is allowed.
    pub(crate) fn authorizer(&self) -> Result<Option<JwtAuthorizer>, String> {
        let (Some(algorithm), Some(file), Some(audience)) =
            (self.jwt_algorithm, &self.jwt_key_file, &self.jwt_audience)
        else {
            return Ok(None);
        };
        let of_file = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let key = fs::read(file).map_err(|error| of_file(&error))?;
        let key = match algorithm {
            Algorithm::Hs256 => JwtKey::hs256(without_line_end(&key)),
            Algorithm::Rs256 => JwtKey::rs256(&key),
            Algorithm::Es256 => JwtKey::es256(&key),
            Algorithm::EdDsa => JwtKey::eddsa(&key),
        };
        let key = key.map_err(|error| of_file(&error))?;
        let tokens = JwtAuthorizer::new(key, audience).claim(self.jwt_claim.clone());
        Ok(Some(match &self.jwt_issuer {
            Some(issuer) => tokens.issuer(issuer),
            None => tokens,
        }))
    }
}

/// Removes the trailing newline that editors and `echo` add to a secret.
fn without_line_end(secret: &[u8]) -> &[u8] {
    let secret = secret.strip_suffix(b"\n").unwrap_or(secret);
    secret.strip_suffix(b"\r").unwrap_or(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_retention_is_a_number_of_days_or_never() {
        let time = |more: &[&str]| {
            let all = ["relay", "--database", "file", "--allow-anyone"];
            let options = Options::try_parse_from(all.iter().chain(more));
            options.map(|options| options.retention_days.time())
        };
        let days = |days: u64| Some(Duration::from_secs(days * 86_400));
        assert_eq!(time(&[]).unwrap(), days(90));
        assert_eq!(time(&["--retention-days", "7"]).unwrap(), days(7));
        assert_eq!(time(&["--retention-days", "never"]).unwrap(), None);
        assert_eq!(time(&["--retention-days", "0"]).unwrap(), None);
        for wrong in ["1.5", "", "-1", "4294967296", "Never"] {
            assert!(time(&["--retention-days", wrong]).is_err(), "{wrong}");
        }
    }
}
