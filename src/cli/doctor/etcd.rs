//! The findings about locks in etcd.

use std::time::{Duration, SystemTime};

use anyhow::Context;

use super::DoctorOptions;
use super::findings::{Findings, ShownCertificate, ShownEndpoint, time};
use super::judge::Judge;
use super::mends::{MAJORITY, of_complaint};
use crate::cli::settings::Settings;
use crate::describe;
use crate::locker::etcd::diagnose::{
    Condition, Diagnosis, MemberDiagnosis, Role, Status, diagnose,
};
use crate::locker::net::certificate::Certificate;
use crate::{ErrorKind, EtcdConfig};

/// Asks every member.
pub(super) fn look(
    report: &mut Findings,
    settings: &Settings,
    config: &EtcdConfig,
    options: &DoctorOptions,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let prefix = options.prefix();
    match runtime.block_on(diagnose(config, &prefix, options.ttl)) {
        Ok(diagnosis) => Judge::new(report, settings, config, options).judge(diagnosis),
        Err(error) => report.misfit(settings, &error),
    }
    // A name look-up that still runs must not hold us up.
    runtime.shutdown_background();
    Ok(())
}

impl Judge<'_> {
    pub(super) fn judge(mut self, diagnosis: Diagnosis) {
        self.report.store = Some("etcd");
        self.served = diagnosis.members.iter().any(serves);
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

    fn member(&mut self, member: &MemberDiagnosis) {
        let name = &member.endpoint;
        let condition = member.condition.as_ref().ok();
        let status = condition.and_then(|condition| condition.status.as_ref());
        let reads = condition.and_then(|condition| condition.reads.as_ref().ok());
        self.report.endpoints.push(ShownEndpoint {
            endpoint: name.clone(),
            reached: condition.is_some(),
            version: status.map(|status| status.version.clone()),
            role: status.map(|status| role(status.role).0),
            read_seconds: reads
                .into_iter()
                .flatten()
                .map(Duration::as_secs_f64)
                .collect(),
            certificate: member.certificate.as_ref().map(ShownCertificate::from),
        });
        match &member.condition {
            Ok(condition) => self.condition(name, condition),
            Err(error) => {
                let mend = self.mend(member, error);
                let text = format!("{name}: {}", self.settings.located(error));
                self.trouble(error, text, mend);
            }
        }
        if member.in_clear && self.config.credentials.is_some() {
            self.report.warn(
                "endpoint",
                format!("{name}: the password is sent without TLS"),
                "use https://",
            );
        }
    }

    fn condition(&mut self, name: &str, condition: &Condition) {
        let status = condition.status.as_ref();
        let text = match status {
            Some(Status { version, role, .. }) => {
                format!("{name}: etcd {version}, {}", self::role(*role).1)
            }
            None => format!("{name}: etcd, which tells this user no more"),
        };
        let unavailable = ErrorKind::Unavailable;
        match (&condition.reads, status.map(|status| status.role)) {
            (_, Some(Role::Learner)) => {
                let mend = format!("take it out of {}, or promote it", self.option("endpoints"));
                self.trouble(unavailable, text, Some(mend));
            }
            (Ok(reads), Some(Role::Leader | Role::Follower) | None) => {
                let text = format!("{text}; {}", spread(reads));
                self.report.ok("endpoint", text);
            }
            (Ok(_), _) => self.trouble(unavailable, text, Some(MAJORITY.to_owned())),
            (Err(error), _) => {
                let text = format!("{text}; a read fails: {error}");
                self.trouble(error, text, Some(MAJORITY.to_owned()));
            }
        }
        for complaint in status.iter().flat_map(|status| &status.complaints) {
            let (text, mend) = of_complaint(complaint);
            let text = format!("{name}: {text}");
            // Whether locks can be taken all the same is found out below.
            self.trouble(unavailable, text, Some(mend.to_owned()));
        }
    }

    /// Locks of two clusters do not exclude each other.
    fn clusters(&mut self, members: &[MemberDiagnosis]) {
        let of = |member: &MemberDiagnosis| {
            let status = member.condition.as_ref().ok()?.status.as_ref()?;
            Some(status.cluster)
        };
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
        if self.config.tls.trust_anyone {
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
                let mend = "it has expired: renew it, or set the clock right";
                if self.served {
                    self.report.warn("tls", text, mend);
                } else {
                    let kind = ErrorKind::InvalidConfig;
                    self.report.wrong("tls", kind, text, Some(mend.to_owned()));
                }
            }
            (Ok(left), Ok(life)) if left < life / 10 => {
                self.report.warn("tls", text, "renew it in time");
            }
            _ => self.report.ok("tls", text),
        }
    }
}

/// Whether it serves locks, as far as it says.
fn serves(member: &MemberDiagnosis) -> bool {
    let of = |condition: &Condition| {
        let role = condition.status.as_ref().map(|status| status.role);
        condition.reads.is_ok() && !matches!(role, Some(Role::Learner | Role::Leaderless))
    };
    member.condition.as_ref().is_ok_and(of)
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

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;
    use crate::Error;
    use crate::cli::{Cli, Verb, command};
    use crate::locker::etcd::diagnose::Service;

    fn member(condition: crate::Result<Condition>) -> MemberDiagnosis {
        MemberDiagnosis {
            endpoint: "http://etcd:2379".to_owned(),
            in_clear: false,
            certificate: None,
            condition,
        }
    }

    fn judged(members: Vec<MemberDiagnosis>) -> Findings {
        let words = ["genlock", "doctor"];
        let mut given = command().try_get_matches_from(words).expect("words");
        let settings = Settings::read(&command(), &given).expect("settings");
        let Ok(Cli {
            verb: Verb::Doctor(typed),
        }) = Cli::<Verb>::from_arg_matches_mut(&mut given)
        else {
            panic!("another verb");
        };
        let options = DoctorOptions::of(&typed, settings.times(&typed.times));
        let mut report = Findings::default();
        let config = EtcdConfig::default();
        Judge::new(&mut report, &settings, &config, &options).judge(Diagnosis {
            members,
            certificate: None,
            service: Some(Ok(Service {
                endpoint: "http://etcd:2379".to_owned(),
                auth: Ok(false),
                login: None,
                recognised: true,
                read: Ok(()),
                write: Ok(()),
                lease: Ok(Duration::from_secs(10)),
            })),
        });
        report
    }

    /// Newer releases of etcd tell only root what they are.
    #[test]
    fn a_member_that_says_nothing_of_itself_serves_locks() {
        let reads = Ok(vec![Duration::from_millis(1)]);
        let tacit = member(Ok(Condition {
            status: None,
            reads,
        }));
        let away = Error::new(ErrorKind::Unavailable, "connection refused");
        assert_eq!(judged(vec![tacit, member(Err(away))]).status(), None);
        let away = Error::new(ErrorKind::Unavailable, "connection refused");
        assert!(judged(vec![member(Err(away))]).status().is_some());
    }
}
