//! The findings about who we are to etcd, and what we may do there.

use super::super::diagnosis::Service;
use super::Judge;
use super::remedies::of_space;
use crate::error::{Error, ErrorKind, Setting};
use crate::locker::examination::{Finding, Rights, Sentence};
use crate::locker::net::{Certificate, Credentials};
use crate::secrets;

impl Judge<'_> {
    pub(super) fn auth(&mut self, service: &Service, own: Option<&Certificate>) {
        self.report.has_users = service.auth.as_ref().ok().copied();
        let user = self.config.credentials.as_ref();
        let user = user.and_then(Credentials::user).map(secrets::user);
        let finding = match (&service.login, &service.auth, user) {
            (Some(Err(error)), _, Some(user)) => {
                let remedy = Sentence::from("correct ").setting(Setting::User);
                Finding::failed("auth", format!("cannot log in as \"{user}\""), error)
                    .with_remedy(remedy.text(" or the password"))
            }
            (_, Ok(false), Some(user)) => Finding::warning(
                "auth",
                format!("etcd has nobody log in: the user \"{user}\" is of no use"),
                "`etcdctl auth enable`, if only some may take locks",
            ),
            (_, Ok(false), None) => {
                let text = "etcd has nobody log in: who reaches it may do everything";
                Finding::fine("auth", text)
            }
            (_, Ok(true), Some(user)) => {
                let text = format!("logged in as \"{user}\"");
                self.report.user = Some(user);
                Finding::fine("auth", text)
            }
            (_, Ok(true), None) => match own.filter(|_| service.recognised) {
                Some(own) => {
                    self.report.user = Some(own.subject.clone());
                    let text = Sentence::from("we are \"").foreign(&own.subject);
                    Finding::fine("auth", text.text("\" by our certificate"))
                }
                None => {
                    let text = "etcd wants a user, and we have none";
                    Finding::wrong("auth", ErrorKind::Denied, text).with_remedy(a_user())
                }
            },
            (_, Err(error), _) => Finding::warning(
                "auth",
                "it is not known whether users have to log in",
                "ask again",
            )
            .because(error),
        };
        self.report.tell(finding);
    }

    pub(super) fn rights(&mut self, service: &Service) {
        let mut rights = Rights {
            prefix: self.prefix.to_owned(),
            ..Rights::default()
        };
        if self.report.has_users == Some(true) && self.report.user.is_none() {
            // Without a user there is nothing more to say about rights.
            self.report.rights = Some(rights);
            return;
        }
        rights.read = Some(service.read.is_ok());
        rights.write = Some(service.write.is_ok());
        rights.lease = Some(service.lease.is_ok());
        self.report.rights = Some(rights);
        for (what, asked) in [("read", &service.read), ("write", &service.write)] {
            let below = |text: String| Sentence::from(text).foreign(self.prefix);
            let finding = match asked {
                Ok(()) => Finding::fine("rights", below(format!("we may {what} below "))),
                Err(error) => {
                    let text = below(format!("cannot {what} below "));
                    let mut finding = Finding::failed("rights", text, error);
                    finding.remedy = self.of_denial(error);
                    finding
                }
            };
            self.report.tell(finding);
        }
        let asked = humantime::format_duration(self.ttl);
        self.report.tell(match &service.lease {
            Ok(granted) if *granted == self.ttl => {
                let text = format!("leases are granted, with the TTL {asked}");
                Finding::fine("rights", text)
            }
            Ok(granted) => {
                let granted = humantime::format_duration(*granted);
                let text =
                    format!("leases are granted, with a TTL of {granted} in place of {asked}");
                Finding::fine("rights", text)
            }
            Err(error) => {
                let mut finding = Finding::failed("rights", "no lease is granted", error);
                finding.remedy = of_space(error);
                finding
            }
        });
    }

    fn of_denial(&self, error: &Error) -> Option<Sentence> {
        if error.kind() != ErrorKind::Denied {
            return of_space(error);
        }
        let granting = "`etcdctl role grant-permission ROLE --prefix=true readwrite ";
        let remedy = Sentence::from(granting).foreign(self.prefix);
        Some(remedy.text("`, or name the lock that is meant"))
    }
}

fn a_user() -> Sentence {
    Sentence::new()
        .setting(Setting::User)
        .text(" with ")
        .setting(Setting::Password)
        .text(", or ")
        .setting(Setting::Cert)
        .text(" with ")
        .setting(Setting::Key)
}
