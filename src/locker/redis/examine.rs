//! What is to be told of a Redis: what was found out, judged.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::diagnose::{RedisDiagnosis, diagnose};
use super::dial::{RedisDialler, Tracked};
use super::nodes::RedisNodes;
use super::protocol::PROTOCOL;
use super::sentinel::RedisSite;
use crate::error::{Error, ErrorKind, Result};
use crate::locker::examination::{Examination, ExaminedEndpoint, Finding, Rights, Sentence};
use crate::locker::fault::Fault;
use crate::locker::net::{Certificate, Credentials, examined};
use crate::locker::{BoxFuture, Config, Options};
use crate::secrets;

/// A renewal is one script.
const ROUND_TRIPS: u32 = 1;

/// A clock that is further off than this is going to be set some day.
const CLOCK_OFF: Duration = Duration::from_secs(1);

/// Asks the server, and what we may do with the lock of `key`.
pub(super) fn examine<'a>(
    config: &'a Config,
    key: &'a str,
    ttl: Duration,
) -> BoxFuture<'a, Result<Examination>> {
    Box::pin(async move {
        let (servers, site) = RedisSite::split(config.clone())?;
        let dialler = RedisDialler::new(&servers, site, Tracked::Wished, None)?;
        let mut examiner = Examiner {
            report: Examination {
                round_trips: ROUND_TRIPS,
                ..Examination::default()
            },
            config,
            key,
            endpoint: String::new(),
        };
        let own = dialler.reach().own_certificate();
        let mut shown = None;
        if let Some(endpoint) = servers.servers(&PROTOCOL)?.first() {
            examiner.endpoint = endpoint.to_string();
            let asked = timeout(servers.dial_timeout, dialler.reach().certificate(endpoint));
            shown = asked.await.ok().flatten();
            if endpoint.is_in_clear() && config.credentials.is_some() {
                let finding = examined::in_clear(&examiner.endpoint, &PROTOCOL);
                examiner.report.tell(finding);
            }
        }
        let store = Arc::new(RedisNodes::new(dialler, &servers, &Options::default())?);
        match diagnose(&store, key).await {
            Ok(found) => {
                examiner.found(&found, shown.as_ref(), ttl);
                if let Some(keeper) = store.keeper_of(key) {
                    examiner.kept_by(&keeper);
                }
            }
            Err(fault) => examiner.failed(fault, shown.as_ref()),
        }
        let mut report = examiner.report;
        let served = report.endpoints.iter().any(|one| one.is_reached);
        examined::tls(&mut report, config, own.as_ref(), served);
        Ok(report)
    })
}

/// Makes findings of a diagnosis.
struct Examiner<'a> {
    report: Examination,
    config: &'a Config,
    key: &'a str,
    endpoint: String,
}

impl Examiner<'_> {
    fn failed(&mut self, fault: Fault, shown: Option<&Certificate>) {
        let error = Error::from(fault);
        let topic = match error.kind() {
            ErrorKind::Denied => "auth",
            _ => "endpoint",
        };
        let mut finding = Finding::failed(topic, "", &error);
        finding.remedy = examined::of_trust(&error, shown);
        if error.kind() == ErrorKind::Denied {
            self.report.has_users = Some(true);
        }
        self.report.tell(finding);
        self.report.endpoints.push(ExaminedEndpoint {
            endpoint: self.endpoint.clone(),
            certificate: shown.cloned(),
            ..ExaminedEndpoint::default()
        });
    }

    fn found(&mut self, found: &RedisDiagnosis, shown: Option<&Certificate>, ttl: Duration) {
        let version = &found.hello.version;
        let slowest = found.answers.iter().max().copied().unwrap_or_default();
        let text = Sentence::from(format!("{}: redis ", self.endpoint)).foreign(version);
        let text = text.text(format!(
            ", the master; an answer takes up to {:.2}ms",
            slowest.as_secs_f64() * 1000.0
        ));
        self.report.tell(Finding::fine("endpoint", text));
        self.report.endpoints.push(ExaminedEndpoint {
            endpoint: self.endpoint.clone(),
            is_reached: true,
            version: Some(version.clone()),
            role: Some("master"),
            answers: found.answers.clone(),
            certificate: shown.cloned(),
        });
        self.report.granted = Some(ttl);
        self.auth();
        self.rights(found);
        self.durability(found);
    }

    /// Which server of a Cluster it was that answered.
    fn kept_by(&mut self, keeper: &str) {
        let text = Sentence::from(format!("one of a Cluster, in which {keeper} keeps "));
        let text = text.foreign(self.key);
        self.report.tell(Finding::fine("cluster", text));
    }

    fn auth(&mut self) {
        let credentials = self.config.credentials.as_ref();
        let user = credentials.and_then(Credentials::user).map(secrets::user);
        let text = match (&user, credentials) {
            (Some(user), _) => format!("logged in as \"{user}\""),
            (None, Some(_)) => "logged in".to_owned(),
            (None, None) => "nobody has to log in".to_owned(),
        };
        self.report.has_users = Some(credentials.is_some());
        self.report.user = user;
        self.report.tell(Finding::fine("auth", text));
    }

    fn rights(&mut self, found: &RedisDiagnosis) {
        self.report.rights = Some(Rights {
            prefix: self.key.to_owned(),
            read: Some(found.read.is_ok()),
            write: Some(found.write.is_ok()),
            lease: Some(found.write.is_ok()),
        });
        let mut failed = false;
        // Where a command is refused a look fails too, and does not say which.
        let read = match &found.write {
            Ok(()) => found.read.as_ref(),
            Err(_) => Ok(&()),
        };
        for (what, asked) in [
            ("write what is beside", found.write.as_ref()),
            ("read and watch what is beside", read),
            ("be told on the channel of", found.hear.as_ref()),
        ] {
            if let Err(error) = asked {
                failed = true;
                let text = Sentence::from(format!("cannot {what} ")).foreign(self.key);
                let remedy = Sentence::from("see what the user needs (ACL), in docs/stores.md");
                self.report
                    .tell(Finding::failed("rights", text, error).with_remedy(remedy));
            }
        }
        if !failed {
            let text = Sentence::from("we may take the lock of ").foreign(self.key);
            self.report.tell(Finding::fine("rights", text));
        }
        if let Err(why) = &found.hello.tracking {
            let text = Sentence::from("it does not tell of keys that change: ").foreign(why);
            let remedy = "a loss is seen with the next renewal; allow CLIENT TRACKING";
            self.report.tell(Finding::warning("rights", text, remedy));
        }
    }

    /// How a lock can be forgotten while its holder lives.
    fn durability(&mut self, found: &RedisDiagnosis) {
        let info = &found.info;
        if let Some(policy) = &info.evicts {
            let text = Sentence::from("when its memory is full it throws locks away (")
                .foreign(policy)
                .text(")");
            let remedy = "maxmemory-policy noeviction";
            self.report.tell(Finding::warning("memory", text, remedy));
        }
        if info.keeps_writes == Some(false) {
            let text =
                "a restart forgets every lock: another can hold it before the first one stops";
            self.report
                .tell(Finding::warning("disk", text, "appendonly yes"));
        }
        if info.replicas > 0 && !info.needs_replicas {
            let text = "a failover to a replica can give a lock twice; the token orders the two";
            let remedy = "min-replicas-to-write 1, which makes that rarer";
            self.report.tell(Finding::warning("replicas", text, remedy));
        }
        if found.clock_off > CLOCK_OFF {
            let off = found.clock_off.as_secs_f64();
            let text =
                format!("its clock and ours are {off:.1}s apart, and locks end by its clock");
            let remedy = "set one of them right while no lock is held";
            self.report.tell(Finding::warning("clock", text, remedy));
        } else {
            let text = "locks end by its clock, which is within 1s of ours: nobody may set it then";
            self.report.tell(Finding::fine("clock", text));
        }
    }
}
