//! Sentinels, which say which server is the master: `redis+sentinel://S1,S2,S3/MASTER`. They are asked
//! again for every connection.

use super::connection::RedisClient;
use super::database::Database;
use super::fault;
use super::protocol::PROTOCOL;
use super::pushes::Pushes;
use super::reply::{RedisCommand, Reply};
use crate::error::{Error, ErrorKind, Result, Setting};
use crate::locker::Config;
use crate::locker::fault::Fault;
use crate::locker::kind::behind_scheme;
use crate::locker::net::endpoint::Endpoint;
use crate::locker::net::liveness::Liveness;
use crate::locker::net::reach::Reach;
use crate::locker::net::refusal::Refusal;
use crate::secrets;

/// The schemes, and those of the servers behind.
pub(super) const SCHEMES: [(&str, &str); 2] = [
    ("redis+sentinel://", "redis://"),
    ("rediss+sentinel://", "rediss://"),
];

/// Where a Sentinel listens if nothing is said.
const PORT: u16 = 26379;

/// Where the locks are, behind the endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RedisSite {
    pub(super) database: Database,
    pub(super) sentinels: Option<Sentinels>,
}

/// What the Sentinels are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentinels {
    master: String,
    /// Of the master's endpoint.
    scheme: &'static str,
}

impl RedisSite {
    /// What the endpoints say, and the servers to turn to.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`].
    pub(super) fn split(config: Config) -> Result<(Config, Self)> {
        let (config, database) = Database::split(config)?;
        let (config, sentinels) = Sentinels::split(config)?;
        let several = config.endpoints.as_ref().is_some_and(|all| all.len() > 1);
        if several && sentinels.is_none() {
            let endpoints = config.endpoints.unwrap_or_default();
            let why =
                "one Redis has the locks: several Sentinels are redis+sentinel://S1,S2/MASTER";
            return Err(invalid(&endpoints, why));
        }
        let site = Self {
            database,
            sentinels,
        };
        Ok((config, site))
    }
}

impl Sentinels {
    fn split(config: Config) -> Result<(Config, Option<Self>)> {
        let endpoints = config.endpoints.clone().unwrap_or_default();
        // With a user in them they are refused, and not shown, elsewhere.
        let has_user = endpoints.iter().any(|one| one.contains(['@', '%']));
        let known = SCHEMES.iter().find(|(scheme, _)| {
            let first = endpoints.first();
            first.is_some_and(|first| behind_scheme(first, scheme).is_some())
        });
        let Some((own, scheme)) = known.filter(|_| !has_user) else {
            return Ok((config, None));
        };
        let (mut servers, mut names) = (Vec::new(), Vec::new());
        for endpoint in &endpoints {
            let bare = behind_scheme(endpoint, own).unwrap_or(endpoint);
            let (host, name) = bare.split_once('/').unwrap_or((bare, ""));
            names.extend((!name.is_empty()).then(|| name.to_owned()));
            let has_port = match host.rsplit_once(']') {
                Some((_, behind)) => !behind.is_empty(),
                None => host.contains(':'),
            };
            servers.push(match has_port {
                true => format!("{scheme}{host}"),
                false => format!("{scheme}{host}:{PORT}"),
            });
        }
        names.dedup();
        let [master] = &names[..] else {
            let why = "the master's name should follow, once: redis+sentinel://S1,S2/MASTER";
            return Err(invalid(&endpoints, why));
        };
        let sentinels = Self {
            master: master.clone(),
            scheme,
        };
        Ok((config.endpoints(servers), Some(sentinels)))
    }

    /// The master, as the Sentinel at `endpoint` knows it. The caller bounds it.
    pub(super) async fn master(
        &self,
        reach: &Reach,
        endpoint: &Endpoint,
        liveness: &Liveness,
    ) -> Result<Endpoint, Fault> {
        let refusal = Refusal::default();
        let stream = reach.stream(endpoint, &refusal).await?;
        let greeting = [
            RedisCommand::new(["HELLO", "3"]),
            RedisCommand::new(["PING"]),
            RedisCommand::new(["ROLE"]),
        ];
        let client = RedisClient::start(stream, &greeting, Pushes::default(), liveness.clone());
        let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", &self.master];
        let asked = client.ask(&[RedisCommand::new(words)]).await;
        let answers = asked.map_err(|error| reach.explain(fault::judge(error), &refusal))?;
        let Some([host, port]) = answers.first().map(Reply::list) else {
            let why = format!("it is no Sentinel that knows a master {}", self.master);
            return Err(Fault::broken(why));
        };
        let (host, port) = (host.words(), port.words());
        let shown = endpoint_of(self.scheme, &host, &port);
        Endpoint::parse(&shown, false, &PROTOCOL).map_err(Fault::passing)
    }
}

/// What servers say of each other, as an endpoint.
pub(super) fn endpoint_of(scheme: &str, host: &str, port: impl std::fmt::Display) -> String {
    match host.contains(':') {
        true => format!("{scheme}[{host}]:{port}"),
        false => format!("{scheme}{host}:{port}"),
    }
}

fn invalid(endpoints: &[String], why: &str) -> Error {
    let shown = secrets::endpoints(&endpoints.join(","));
    let error = Error::new(ErrorKind::InvalidConfig, format!("{shown}: {why}"));
    error.about([Setting::Endpoints])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentinels_are_read_from_the_endpoints() {
        let of = |list: &str| RedisSite::split(Config::new(list.split(',')));
        let (config, site) = of("redis+sentinel://s1,s2:1,[::1]/main/2").expect("some");
        let servers = ["redis://s1:26379", "redis://s2:1", "redis://[::1]:26379"];
        assert_eq!(config.endpoints.expect("some"), servers);
        assert!(!site.database.is_first());
        assert_eq!(site.sentinels.expect("some").master, "main");
        let (config, site) = of("rediss+sentinel://s1/main,s2/main").expect("some");
        assert_eq!(config.endpoints.expect("some")[1], "rediss://s2:26379");
        assert!(site.database.is_first());
        for list in [
            "redis+sentinel://s1,s2",
            "redis+sentinel://s1/a,s2/b",
            "redis://h,redis://i",
        ] {
            let error = of(list).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        }
        let (config, site) = of("redis://h").expect("one");
        assert_eq!(
            (config.endpoints.expect("one").len(), site),
            (1, RedisSite::default())
        );
    }
}
