//! The findings about locks in etcd.

use std::time::{Duration, SystemTime};

use super::Doctor;
use super::report::{Endpoint, Report, Rights, Shown, time};
use crate::cli::settings::{Origin, Settings};
use crate::describe;
use crate::locker::etcd::certificate::Certificate;
use crate::locker::etcd::diagnose::{Condition, Diagnosis, Member, Role, Service};
use crate::secrets;
use crate::{Error, ErrorKind, EtcdConfig};

/// What mends a cluster without a leader, or one that nobody follows.
const MAJORITY: &str = "see whether a majority of its members runs and is connected";

/// Makes findings of a diagnosis.
pub(super) struct Judge<'a> {
    pub(super) report: &'a mut Report,
    pub(super) settings: &'a Settings,
    pub(super) config: &'a EtcdConfig,
    pub(super) options: &'a Doctor,
}

impl Judge<'_> {
    pub(super) fn judge(mut self, diagnosis: Diagnosis) {
        self.report.store = Some("etcd");
        for member in &diagnosis.members {
            self.member(member);
        }
        self.clusters(&diagnosis.members);
        self.tls(&diagnosis);
        let mut ttl = self.options.ttl;
        match &diagnosis.service {
            Some(Ok(service)) => {
                self.auth(service, diagnosis.certificate.as_ref());
                self.rights(service);
                if let Ok(granted) = service.lease {
                    ttl = granted;
                }
            }
            Some(Err(error)) => {
                let text = format!("it is not known what we may do: {error}");
                let mend = "ask again".to_owned();
                self.report.wrong("rights", error, text, Some(mend));
            }
            // Why is said of each endpoint.
            None => {}
        }
        let conditions = diagnosis.members.iter().map(|member| &member.condition);
        let reads = conditions.flatten().flat_map(|condition| &condition.reads);
        self.times(ttl, reads.flatten().max().copied());
    }

    /// The option, with where it is set.
    pub(super) fn option(&self, option: &str) -> String {
        match self.settings.origin(option) {
            Origin::Flag | Origin::Default => format!("--{option}"),
            elsewhere => format!("--{option} ({elsewhere})"),
        }
    }

    fn member(&mut self, member: &Member) {
        let name = &member.endpoint;
        let condition = member.condition.as_ref().ok();
        let reads = condition.and_then(|condition| condition.reads.as_ref().ok());
        self.report.endpoints.push(Endpoint {
            endpoint: name.clone(),
            reached: condition.is_some(),
            version: condition.map(|condition| condition.version.clone()),
            role: condition.map(|condition| role(condition.role).0),
            read_seconds: reads
                .into_iter()
                .flatten()
                .map(Duration::as_secs_f64)
                .collect(),
            certificate: member.certificate.as_ref().map(Shown::from),
        });
        match &member.condition {
            Ok(condition) => self.condition(name, condition),
            Err(error) => {
                let mend = match error.kind() {
                    ErrorKind::Unavailable if error.to_string().contains("no leader") => {
                        Some(MAJORITY.to_owned())
                    }
                    ErrorKind::Unavailable => {
                        let option = self.option("endpoints");
                        Some(format!("is etcd there? If not, correct {option}"))
                    }
                    // It says which settings it is about.
                    _ => None,
                };
                let text = format!("{name}: {}", self.settings.located(error));
                self.report.wrong("endpoint", error, text, mend);
            }
        }
        if member.in_clear && self.config.user.is_some() {
            self.report.warn(
                "endpoint",
                format!("{name}: the password is sent without TLS"),
                "use https://",
            );
        }
    }

    fn condition(&mut self, name: &str, condition: &Condition) {
        let (_, role) = role(condition.role);
        let text = format!("{name}: etcd {}, {role}", condition.version);
        let unavailable = ErrorKind::Unavailable;
        match (&condition.reads, condition.role) {
            (_, Role::Learner) => {
                let mend = format!("take it out of {}, or promote it", self.option("endpoints"));
                self.report.wrong("endpoint", unavailable, text, Some(mend));
            }
            (Ok(reads), Role::Leader | Role::Follower) => {
                let text = format!("{text}; {}", spread(reads));
                self.report.ok("endpoint", text);
            }
            (Ok(_), _) => self.report.wrong("endpoint", unavailable, text, None),
            (Err(error), _) => {
                let text = format!("{text}; a read fails: {error}");
                self.report
                    .wrong("endpoint", error, text, Some(MAJORITY.to_owned()));
            }
        }
        for complaint in &condition.complaints {
            let mend = if complaint.contains("NOSPACE") {
                "compact and defragment it, then `etcdctl alarm disarm`; or raise its \
                 --quota-backend-bytes"
            } else if complaint.contains("CORRUPT") {
                "its data differs from its peers': replace the member"
            } else {
                "see its log"
            };
            let text = format!(
                "{name}: etcd complains: {}",
                describe::escape(complaint.trim())
            );
            let mend = Some(mend.to_owned());
            self.report.wrong("endpoint", unavailable, text, mend);
        }
    }

    /// Locks of two clusters do not exclude each other.
    fn clusters(&mut self, members: &[Member]) {
        let of = |member: &Member| Some(member.condition.as_ref().ok()?.cluster);
        let mut found = members.iter().filter(|member| of(member).is_some());
        let Some(first) = found.next() else {
            return;
        };
        for other in found.filter(|&other| of(other) != of(first)) {
            let (one, two) = (&first.endpoint, &other.endpoint);
            let text = format!("{one} and {two} are of two clusters: a lock can be held in each");
            let mend = format!("keep those of one in {}", self.option("endpoints"));
            let kind = ErrorKind::InvalidConfig;
            self.report.wrong("endpoint", kind, text, Some(mend));
        }
    }

    fn tls(&mut self, diagnosis: &Diagnosis) {
        for member in &diagnosis.members {
            if let Some(certificate) = &member.certificate {
                self.certificate(&format!("{} shows", member.endpoint), certificate);
            }
        }
        if let Some(certificate) = &diagnosis.certificate {
            self.certificate("we show", certificate);
        }
        if self.config.insecure_skip_tls_verify {
            self.report.warn(
                "tls",
                "it is not checked who the server is: anyone on the way can take its place",
                &format!(
                    "use --cacert in place of {}",
                    self.option("insecure-skip-tls-verify")
                ),
            );
        }
    }

    fn certificate(&mut self, who: &str, certificate: &Certificate) {
        let names = certificate.names.iter().map(|name| describe::escape(name));
        let names = names.collect::<Vec<_>>().join(", ");
        let names = if names.is_empty() {
            names
        } else {
            format!(" for {names}")
        };
        let text = format!(
            "{who} the certificate \"{}\"{names}, signed by \"{}\", until {}",
            describe::escape(&certificate.subject),
            describe::escape(&certificate.issuer),
            time(certificate.until)
        );
        let left = certificate.until.duration_since(SystemTime::now());
        let life = certificate.until.duration_since(certificate.from);
        match (left, life) {
            (Err(_), _) => {
                let kind = ErrorKind::InvalidConfig;
                let mend = "it has expired: renew it, or set the clock right".to_owned();
                self.report.wrong("tls", kind, text, Some(mend));
            }
            (Ok(left), Ok(life)) if left < life / 10 => {
                self.report.warn("tls", text, "renew it in time");
            }
            _ => self.report.ok("tls", text),
        }
    }

    fn auth(&mut self, service: &Service, own: Option<&Certificate>) {
        self.report.auth = service.auth.as_ref().ok().copied();
        let user = self.config.user.as_deref().map(secrets::user);
        match (&service.login, &service.auth, user) {
            (Some(Err(error)), _, Some(user)) => {
                let text = format!("cannot log in as \"{user}\": {error}");
                let mend = format!("correct {} or the password", self.option("user"));
                self.report.wrong("auth", error, text, Some(mend));
            }
            (_, Ok(false), Some(user)) => self.report.warn(
                "auth",
                format!("etcd has nobody log in: the user \"{user}\" is of no use"),
                "`etcdctl auth enable`, if only some may take locks",
            ),
            (_, Ok(false), None) => {
                self.report.ok(
                    "auth",
                    "etcd has nobody log in: who reaches it may do everything",
                );
            }
            (_, Ok(true), Some(user)) => {
                self.report.ok("auth", format!("logged in as \"{user}\""));
                self.report.user = Some(user);
            }
            (_, Ok(true), None) => match own.filter(|_| service.recognised) {
                Some(own) => {
                    self.report.user = Some(own.subject.clone());
                    let user = describe::escape(&own.subject);
                    self.report
                        .ok("auth", format!("we are \"{user}\" by our certificate"));
                }
                None => {
                    let text = "etcd wants a user, and we have none";
                    let mend = "--user with --password-file, or --cert with --key";
                    let kind = ErrorKind::Denied;
                    self.report.wrong("auth", kind, text, Some(mend.to_owned()));
                }
            },
            (_, Err(error), _) => self.report.warn(
                "auth",
                format!("it is not known whether users have to log in: {error}"),
                "ask again",
            ),
        }
    }

    fn rights(&mut self, service: &Service) {
        let prefix = self.options.prefix();
        let shown = describe::escape(&prefix);
        let mut rights = Rights {
            prefix: prefix.clone(),
            ..Rights::default()
        };
        if self.report.auth == Some(true) && self.report.user.is_none() {
            // That says it all.
            self.report.rights = Some(rights);
            return;
        }
        rights.read = Some(service.read.is_ok());
        rights.write = Some(service.write.is_ok());
        rights.lease = Some(service.lease.is_ok());
        self.report.rights = Some(rights);
        let mend = |error: &Error| {
            let may = format!(
                "`etcdctl role grant-permission ROLE --prefix=true readwrite {shown}`, or name the \
                 lock that is meant"
            );
            (error.kind() == ErrorKind::Denied).then_some(may)
        };
        for (what, asked) in [("read", &service.read), ("write", &service.write)] {
            match asked {
                Ok(()) => self
                    .report
                    .ok("rights", format!("we may {what} below {shown}")),
                Err(error) => {
                    let text = format!("cannot {what} below {shown}: {error}");
                    self.report.wrong("rights", error, text, mend(error));
                }
            }
        }
        let asked = humantime::format_duration(self.options.ttl);
        match &service.lease {
            Ok(granted) if *granted == self.options.ttl => {
                self.report.ok(
                    "rights",
                    format!("leases are granted, with the TTL {asked}"),
                );
            }
            Ok(granted) => {
                let granted = humantime::format_duration(*granted);
                let text =
                    format!("leases are granted, with a TTL of {granted} in place of {asked}");
                self.report.ok("rights", text);
            }
            Err(error) => {
                let text = format!("no lease is granted: {error}");
                self.report.wrong("rights", error, text, None);
            }
        }
    }
}

/// For programs, and for people.
fn role(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Leader => ("leader", "the leader"),
        Role::Follower => ("follower", "a follower"),
        Role::Learner => ("learner", "a learner, which serves no locks"),
        Role::Leaderless => ("none", "which knows of no leader"),
    }
}

/// How long reads take: that in the middle, the fastest and the slowest.
fn spread(reads: &[Duration]) -> String {
    let mut reads = reads.to_vec();
    reads.sort_unstable();
    match (reads.get(reads.len() / 2), reads.first(), reads.last()) {
        (Some(middle), Some(first), Some(last)) => format!(
            "a read takes {} ({} to {})",
            precise(*middle),
            precise(*first),
            precise(*last)
        ),
        _ => "no read was tried".to_owned(),
    }
}

/// In milliseconds, to a hundredth.
pub(super) fn precise(time: Duration) -> String {
    format!("{:.2}ms", time.as_secs_f64() * 1000.0)
}
