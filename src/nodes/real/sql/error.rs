//! What goes wrong with SQL, by kind and never by text.

use mysql_async::{DriverError, Error, IoError};

use crate::facts::{Plain, Reach, ReachWord};

/// How an attempt to ask a server failed. The numbers are those of the server's and the C client's errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlFailure {
    /// 1040, 1203: no free connection.
    #[error("the server has no free connection: {0}")]
    TooManyConnections(Plain),
    /// 1044, 1045, 1698 and their kind: the server does not accept who we are.
    #[error("the server did not accept the login: {0}")]
    AccessDenied(Plain),
    /// 1047: the server is not in a Primary Component, or has not caught up.
    #[error("the server is up and refuses work: {0}")]
    NotPrepared(Plain),
    /// 1205: a lock was not had in time, which SHOW meets only through wsrep_sync_wait.
    #[error("the server waited for a lock: {0}")]
    LockWait(Plain),
    /// 2002: nothing to connect to.
    #[error("nothing to connect to: {0}")]
    CannotConnect(Plain),
    /// 2006: the server closed the connection before it was asked.
    #[error("the server went away: {0}")]
    GoneAway(Plain),
    /// 2013: the connection broke, or the server accepted and never greeted.
    #[error("the connection to the server was lost: {0}")]
    Lost(Plain),
    /// No greeting or answer in time.
    #[error("the server did not answer in time: {0}")]
    Timeout(Plain),
    /// TLS could not be had on the terms of the inventory.
    #[error("TLS: {0}")]
    Tls(Plain),
    /// Anything else the server said.
    #[error("the server said error {code}: {message}")]
    Other {
        /// The server's error number; 0 where the error is the driver's.
        code: u16,
        /// Its text.
        message: Plain,
    },
}

impl SqlFailure {
    /// The failure behind a driver's error. `greeted`: whether the server had let us in before.
    pub(crate) fn from_driver(error: &Error, greeted: bool) -> Self {
        let text = Plain::new(error.to_string());
        match error {
            Error::Server(server) => Self::from_code(server.code, &server.message),
            Error::Io(IoError::Tls(_)) | Error::Driver(DriverError::NoClientSslFlagFromServer) => {
                Self::Tls(text)
            }
            Error::Io(IoError::Io(io)) => match io.kind() {
                std::io::ErrorKind::ConnectionRefused => Self::CannotConnect(text),
                std::io::ErrorKind::TimedOut => Self::Timeout(text),
                _ if greeted => Self::GoneAway(text),
                _ => Self::Lost(text),
            },
            Error::Driver(DriverError::ConnectionClosed) if greeted => Self::GoneAway(text),
            Error::Driver(DriverError::ConnectionClosed) => Self::Lost(text),
            Error::Driver(DriverError::UnknownAuthPlugin { .. } | DriverError::CleartextPluginDisabled) => {
                Self::AccessDenied(text)
            }
            Error::Driver(_) | Error::Other(_) | Error::Url(_) => Self::Other { code: 0, message: text },
        }
    }

    /// The failure behind a server's error number.
    pub(crate) fn from_code(code: u16, message: &str) -> Self {
        let text = Plain::new(format!("{code} {message}"));
        match code {
            1040 | 1203 | 1226 => Self::TooManyConnections(text),
            1044 | 1045 | 1130 | 1251 | 1275 | 1524 | 1698 | 1820 | 1862 | 3159 | 4151 => {
                Self::AccessDenied(text)
            }
            1047 => Self::NotPrepared(text),
            1205 => Self::LockWait(text),
            2002 | 2003 => Self::CannotConnect(text),
            2006 => Self::GoneAway(text),
            2013 => Self::Lost(text),
            code => Self::Other { code, message: Plain::new(message) },
        }
    }

    /// The word and the next step.
    pub fn reach(&self) -> Reach {
        let (word, next) = match self {
            Self::TooManyConnections(_) => (
                ReachWord::TooManyConnections,
                "the server runs: use its extra_port, or end idle clients; do not restart it for this",
            ),
            Self::AccessDenied(_) => (
                ReachWord::Auth,
                "correct `user` and `password` under sql in the inventory, or the grant; over a socket, root needs the unix_socket plugin",
            ),
            Self::NotPrepared(_) => (
                ReachWord::NotReady,
                "the server runs outside a Primary Component; its wsrep status says more. Do not restart it yet",
            ),
            Self::LockWait(_) => (
                ReachWord::Timeout,
                "wsrep_sync_wait may be set for every session and the cluster cannot answer; survey again",
            ),
            // That nothing answers here does not prove that no server runs; whoever saw the processes may say so.
            Self::CannotConnect(_) => {
                (ReachWord::Refused, "see whether the server's process runs and where it listens")
            }
            Self::GoneAway(_) | Self::Lost(_) => (
                ReachWord::Lost,
                "survey again; if it stays, the server is crashing or stopping: look at its log",
            ),
            Self::Timeout(_) => (
                ReachWord::Timeout,
                "the server is frozen, starting or overloaded: look at the state of its process and at its log",
            ),
            Self::Tls(_) => (
                ReachWord::Error,
                "check the server's certificate and the CA in the inventory; for reads `tls = \"accept-invalid\"` helps",
            ),
            Self::Other { .. } => (ReachWord::Error, "look at the server's log"),
        };
        Reach::failed(word, self.to_string(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_word() {
        for (code, word) in [
            (1040, ReachWord::TooManyConnections),
            (1045, ReachWord::Auth),
            (1698, ReachWord::Auth),
            (1047, ReachWord::NotReady),
            (1205, ReachWord::Timeout),
            (2002, ReachWord::Refused),
            (2006, ReachWord::Lost),
            (2013, ReachWord::Lost),
            (1193, ReachWord::Error),
        ] {
            let reach = SqlFailure::from_code(code, "text").reach();
            assert_eq!(reach.word, word, "{code}");
            assert!(!reach.next.as_str().is_empty() && !reach.detail.as_str().is_empty());
        }
    }
}
