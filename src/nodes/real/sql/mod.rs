//! SQL by our own hand: one connection per survey, SHOW only.
//!
//! `prefer_socket` is off: the driver would ask the *remote* server for its socket's path and then open that path on
//! *this* machine. The sizes are given, so that the driver asks nothing by itself: outside a Primary Component a server
//! may refuse anything but SHOW and SET.

mod error;
pub(crate) mod tunnel;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, Row, SslOpts, Value};
use tokio::sync::oneshot;
use tokio::time::timeout;

pub use error::SqlFailure;

use crate::ask::sql::{CONNECTIONS, facts, more};
use crate::facts::{Facts, Known, Plain, Reach, ReachWord, WhyKind};
use crate::inventory::{Login, PasswordFrom, Tls};

use super::Shared;
use super::options::Deadlines;
use super::process::briefly;
use super::secret::{Answer, Secret};
use super::ssh::connect::addresses;

/// Where a server is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A unix socket on this machine that leads to the server's.
    Socket(PathBuf),
    /// A TCP address, the name its certificate must hold, and how that is held.
    Tcp { address: std::net::SocketAddr, host: String, tls: Tls },
}

/// Asks a server for its status and variables.
pub(crate) async fn ask(
    place: &Place,
    login: &Login,
    password: Option<&Secret>,
    source: &Plain,
    deadlines: &Deadlines,
) -> Result<Facts, SqlFailure> {
    let options = options(place, login, password)?;
    let connecting = timeout(deadlines.sql_connect, Conn::new(options)).await;
    let mut conn = match connecting {
        Err(_) => {
            let limit = deadlines.sql_connect;
            return Err(SqlFailure::Timeout(Plain::new(format!(
                "connected, no greeting and login in {limit:?}"
            ))));
        }
        Ok(Err(error)) => {
            return Err(match (SqlFailure::from_driver(&error, false), place) {
                // The near end of the tunnel refused; that says nothing about the server.
                (SqlFailure::CannotConnect(text), Place::Socket(_)) => SqlFailure::Lost(text),
                (failure, _) => failure,
            });
        }
        Ok(Ok(conn)) => conn,
    };
    let result = statements(&mut conn, source, deadlines.sql_query).await;
    if result.is_ok() {
        // A farewell spares the server a warning in its log; it may fail.
        let _ = timeout(Duration::from_millis(500), conn.disconnect()).await;
    }
    result
}

fn options(place: &Place, login: &Login, password: Option<&Secret>) -> Result<Opts, SqlFailure> {
    let builder = OptsBuilder::default()
        .user(Some(login.user.as_str()))
        .pass(password.map(Secret::expose))
        .prefer_socket(false)
        .max_allowed_packet(Some(16 << 20))
        .wait_timeout(Some(28_800))
        .stmt_cache_size(0);
    Ok(match place {
        Place::Socket(path) => builder.socket(Some(path.to_string_lossy())).into(),
        Place::Tcp { address, host, tls } => {
            let ssl = SslOpts::default().with_danger_tls_hostname_override(Some(host.clone()));
            let ssl = match tls {
                Tls::Verify { ca: None } => Some(ssl),
                Tls::Verify { ca: Some(ca) } => {
                    Some(ssl.with_root_certs(vec![authority(ca)?.into()]).with_disable_built_in_roots(true))
                }
                Tls::AcceptInvalid => {
                    Some(ssl.with_danger_accept_invalid_certs(true).with_danger_skip_domain_validation(true))
                }
                Tls::Off => None,
            };
            builder
                .ip_or_hostname(address.ip().to_string())
                .tcp_port(address.port())
                .tcp_keepalive(Some(Duration::from_secs(5)))
                .ssl_opts(ssl)
                .into()
        }
    })
}

/// The CA's certificates. Read here, so that a file that is missing is not taken for a server that is.
fn authority(path: &Path) -> Result<Vec<u8>, SqlFailure> {
    std::fs::read(path)
        .map_err(|error| SqlFailure::Tls(Plain::new(format!("CA file {}: {error}", path.display()))))
}

async fn statements(conn: &mut Conn, source: &Plain, limit: Duration) -> Result<Facts, SqlFailure> {
    // A server without wsrep does not know the variable; one with it would make even SHOW wait in a partition.
    match rows(conn, "SET SESSION wsrep_sync_wait=0", limit).await {
        Ok(_) | Err(SqlFailure::Other { code: 1193, .. }) => {}
        Err(failure) => return Err(failure),
    }
    let status = rows(conn, r"SHOW GLOBAL STATUS LIKE 'wsrep\_%'", limit).await?;
    let mut variables = Vec::new();
    for pattern in
        [r"wsrep\_%", "innodb_flush_log_at_trx_commit", "sync_binlog", "read_only", "datadir", "version"]
    {
        variables.extend(rows(conn, &format!("SHOW GLOBAL VARIABLES LIKE '{pattern}'"), limit).await?);
    }
    // Outside a Primary Component these may be refused.
    let members = rows(conn, "SELECT node_uuid, node_name FROM mysql.wsrep_cluster_members", limit).await;
    let members = alone(members)?;
    let at = Timestamp::now();
    let mut facts = facts(&status, &variables, members, source, at);
    // What was read by now counts, whatever becomes of the rest.
    let lost = |failure: SqlFailure| Known::unknown(WhyKind::NotRead, failure.to_string());
    let connections = alone(rows(conn, CONNECTIONS, limit).await);
    let prepared = match connections {
        Ok(_) => alone(rows(conn, "XA RECOVER", limit).await),
        Err(_) => Ok(Known::unknown(WhyKind::NotAsked, "the connection was lost before")),
    };
    let prepared = prepared.unwrap_or_else(lost).map(|rows| u64::try_from(rows.len()).unwrap_or(u64::MAX));
    facts.extend(more(connections.unwrap_or_else(lost), prepared, source, at));
    Ok(facts)
}

/// The answer to a statement that may fail without the others: a refusal is an answer too, a lost connection is none.
fn alone(
    answer: Result<Vec<(String, String)>, SqlFailure>,
) -> Result<Known<Vec<(String, String)>>, SqlFailure> {
    match answer {
        Ok(rows) => Ok(Known::Known(rows)),
        Err(failure @ (SqlFailure::Lost(_) | SqlFailure::GoneAway(_) | SqlFailure::Timeout(_))) => {
            Err(failure)
        }
        Err(failure @ (SqlFailure::AccessDenied(_) | SqlFailure::Other { code: 1142 | 1227 | 1401, .. })) => {
            Ok(Known::unknown(WhyKind::Denied, failure.to_string()))
        }
        Err(failure) => Ok(Known::unknown(WhyKind::NotAsked, failure.to_string())),
    }
}

async fn rows(
    conn: &mut Conn,
    statement: &str,
    limit: Duration,
) -> Result<Vec<(String, String)>, SqlFailure> {
    match timeout(limit, conn.query::<Row, _>(statement)).await {
        // The connection is in the middle of an answer now; the caller drops it.
        Err(_) => Err(SqlFailure::Timeout(Plain::new(format!("no answer to `{statement}` in {limit:?}")))),
        Ok(Err(error)) => Err(SqlFailure::from_driver(&error, true)),
        Ok(Ok(rows)) => Ok(rows.into_iter().map(pair).collect()),
    }
}

fn pair(mut row: Row) -> (String, String) {
    let mut text = |at| match row.take::<Value, _>(at) {
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Some(Value::NULL) | None => String::new(),
        Some(other) => other.as_sql(true),
    };
    let first = text(0);
    (first, text(1))
}

/// The address behind a host name, found on a thread of its own so that a name service that hangs keeps nobody.
pub(crate) async fn address(host: &str, port: u16, limit: Duration) -> Result<std::net::SocketAddr, Reach> {
    let host = host.to_owned();
    let found = aside("bg-dns", move || addresses(&host, port, limit)).await?;
    found?
        .first()
        .copied()
        .ok_or_else(|| Reach::failed(ReachWord::Dns, "no address", "check the name service"))
}

/// The password of a login, asked for once per run.
pub(crate) async fn password(login: &Login, shared: &Arc<Shared>) -> Result<Option<Arc<Secret>>, Reach> {
    let Some(from) = login.password.clone() else { return Ok(None) };
    let (shared, user) = (Arc::clone(shared), login.user.clone());
    aside("bg-password", move || resolve_password(&from, &user, &shared)).await?.map(Some)
}

fn resolve_password(from: &PasswordFrom, user: &str, shared: &Shared) -> Result<Arc<Secret>, Reach> {
    let failed = |found: String, next: &str| Err(Reach::failed(ReachWord::Auth, found, next));
    let what = format!("SQL password {user} {from:?}");
    if let Some(Answer::Given(given)) = shared.answers.given(&what) {
        return Ok(given);
    }
    let text = match from {
        PasswordFrom::Env(name) => match std::env::var(name) {
            Ok(text) => text,
            Err(error) => {
                return failed(
                    format!("the variable {name}: {error}"),
                    "set it in the environment of Breakglass",
                );
            }
        },
        PasswordFrom::Command(argv) => {
            let Some((program, arguments)) = argv.split_first() else {
                return failed("the password command is empty".to_owned(), "correct the inventory");
            };
            let mut command = std::process::Command::new(program);
            let next = "run the command by hand and correct it";
            match briefly(command.args(arguments), shared.options.deadlines.password) {
                Ok(said) if said.status.success() => {
                    let mut text = String::from_utf8_lossy(&said.stdout).into_owned();
                    if text.ends_with('\n') {
                        text.pop();
                    }
                    text
                }
                Ok(said) => {
                    return failed(
                        format!("the password command `{program}` failed ({})", said.status),
                        next,
                    );
                }
                Err(silent) => return failed(format!("the password command `{program}` {silent}"), next),
            }
        }
        PasswordFrom::Prompt => {
            let question = Plain::new(format!("SQL password of {user}"));
            return shared.answers.ask(&what, &question).secret().ok_or_else(|| {
                Reach::failed(
                    ReachWord::Auth,
                    format!("no password was given for {user}"),
                    "run Breakglass on a terminal, or take the password from a variable or command in the inventory",
                )
            });
        }
    };
    let secret = Arc::new(Secret::new(text));
    shared.answers.note(&what, Arc::clone(&secret));
    Ok(secret)
}

/// Runs blocking work on a thread that nobody waits for at the end of the program, as tokio's own would be.
async fn aside<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Reach> {
    let (say, said) = oneshot::channel();
    let broken =
        || Reach::failed(ReachWord::Error, "a helper thread broke down", "survey again; report this");
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // Nobody listens where the caller was dropped.
            let _ = say.send(work());
        })
        .map_err(|_| broken())?;
    said.await.map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Asks a server that does `then` with the connection it gets.
    async fn asked<F, R>(then: F) -> Result<Facts, SqlFailure>
    where
        F: FnOnce(TcpStream) -> R + Send + 'static,
        R: Future<Output = ()> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { then(listener.accept().await.unwrap().0).await });
        let place = Place::Tcp { address, host: "db1".to_owned(), tls: Tls::Off };
        let login = Login { user: "breakglass".to_owned(), password: None };
        let deadlines = Deadlines { sql_connect: Duration::from_millis(500), ..Deadlines::default() };
        ask(&place, &login, None, &Plain::new("test"), &deadlines).await
    }

    fn error_packet(code: u16, text: &str) -> Vec<u8> {
        let mut body = vec![0xff];
        body.extend_from_slice(&code.to_le_bytes());
        body.extend_from_slice(text.as_bytes());
        let mut packet = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        packet.extend_from_slice(&body);
        packet
    }

    #[tokio::test]
    async fn a_server_without_free_connections() {
        let result = asked(async |mut stream: TcpStream| {
            stream.write_all(&error_packet(1040, "Too many connections")).await.unwrap();
        });
        let failure = result.await.unwrap_err();
        assert!(matches!(failure, SqlFailure::TooManyConnections(_)), "{failure:?}");
        assert_eq!(failure.reach().word, ReachWord::TooManyConnections);
    }

    #[tokio::test]
    async fn a_frozen_server_that_never_greets() {
        let begun = std::time::Instant::now();
        let result = asked(async |stream: TcpStream| {
            tokio::time::sleep(Duration::from_mins(1)).await;
            drop(stream);
        });
        let failure = result.await.unwrap_err();
        assert_eq!(failure.reach().word, ReachWord::Timeout, "{failure:?}");
        assert!(begun.elapsed() < Duration::from_secs(2));
    }

    #[tokio::test]
    async fn a_server_that_hangs_up() {
        let failure = asked(async |stream: TcpStream| drop(stream)).await.unwrap_err();
        assert_eq!(failure.reach().word, ReachWord::Lost, "{failure:?}");
    }

    #[tokio::test]
    async fn something_else_that_listens() {
        let result = asked(async |mut stream: TcpStream| {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        });
        let failure = result.await.unwrap_err();
        assert!(
            matches!(failure.reach().word, ReachWord::Error | ReachWord::Lost | ReachWord::Timeout),
            "{failure:?}"
        );
    }

    #[tokio::test]
    async fn nobody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let place = Place::Tcp { address, host: "db1".to_owned(), tls: Tls::Off };
        let login = Login { user: "breakglass".to_owned(), password: None };
        let failure =
            ask(&place, &login, None, &Plain::new("test"), &Deadlines::default()).await.unwrap_err();
        assert_eq!(failure.reach().word, ReachWord::Refused, "{failure:?}");
    }
}
