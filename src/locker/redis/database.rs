//! Which of a server's numbered databases the locks are in: `redis://HOST/2`.

use super::reply::RedisCommand;
use crate::error::{Error, ErrorKind, Result, Setting};
use crate::locker::Config;
use crate::secrets;

/// The number of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Database(u32);

impl Database {
    /// What the endpoints say, and the same endpoints without it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] if they do not agree.
    pub(super) fn split(config: Config) -> Result<(Config, Self)> {
        let Some(endpoints) = &config.endpoints else {
            return Ok((config, Self::default()));
        };
        let mut servers = Vec::new();
        let mut databases = Vec::new();
        for endpoint in endpoints {
            let (server, number) = split(endpoint);
            servers.push(server.to_owned());
            databases.extend(number);
        }
        let first = databases.first().copied().unwrap_or_default();
        if databases.iter().any(|&other| other != first) {
            let shown = secrets::endpoints(&endpoints.join(","));
            let why = format!("{shown}: these are different databases");
            let error = Error::new(ErrorKind::InvalidConfig, why);
            return Err(error.about([Setting::Endpoints]));
        }
        Ok((config.endpoints(servers), Self(first)))
    }

    /// The one that every connection begins with.
    pub(super) fn is_first(self) -> bool {
        self.0 == 0
    }

    /// What has to be sent to be in it.
    pub(super) fn selection(self) -> Option<RedisCommand> {
        let select = RedisCommand::new(["SELECT".to_owned(), self.0.to_string()]);
        (!self.is_first()).then_some(select)
    }
}

/// The endpoint without a database at its end, and that. What is no number is left, and refused with the
/// endpoint.
fn split(endpoint: &str) -> (&str, Option<u32>) {
    let scheme = endpoint.find("://").map_or(0, |at| at + 3);
    let scheme_of_socket = endpoint.get(..5);
    let of_socket = scheme_of_socket.is_some_and(|start| start.eq_ignore_ascii_case("unix:"));
    let Some((server, path)) = endpoint[scheme..].rsplit_once('/').filter(|_| !of_socket) else {
        return (endpoint, None);
    };
    match path.parse() {
        Ok(number) => (&endpoint[..scheme + server.len()], Some(number)),
        Err(_) => (endpoint, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_behind_the_server() {
        for (endpoint, server, number) in [
            ("redis://h:1/2", "redis://h:1", Some(2)),
            ("rediss://h/0", "rediss://h", Some(0)),
            ("redis://h:1/", "redis://h:1/", None),
            ("redis://h/x", "redis://h/x", None),
            ("redis://h", "redis://h", None),
            ("h\u{fc}t\u{e9}/2", "h\u{fc}t\u{e9}", Some(2)),
        ] {
            assert_eq!(split(endpoint), (server, number));
        }
        let of = |endpoints: [&str; 2]| Database::split(Config::new(endpoints));
        let (config, database) = of(["redis://h/2", "redis://i/2"]).expect("one");
        assert_eq!(database, Database(2));
        assert_eq!(config.endpoints.expect("some"), ["redis://h", "redis://i"]);
        assert!(of(["redis://h/2", "redis://i/3"]).is_err());
    }
}
