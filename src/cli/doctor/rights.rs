//! The findings about who we are to etcd, and what we may do there.

use super::findings::Rights;
use super::judge::Judge;
use super::mends::of_space;
use crate::describe;
use crate::locker::etcd::diagnose::Service;
use crate::locker::net::certificate::Certificate;
use crate::secrets;
use crate::{Credentials, Error, ErrorKind};

impl Judge<'_> {
    pub(super) fn auth(&mut self, service: &Service, own: Option<&Certificate>) {
        self.report.auth = service.auth.as_ref().ok().copied();
        let user = self.config.credentials.as_ref();
        let user = user.and_then(Credentials::user).map(secrets::user);
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

    pub(super) fn rights(&mut self, service: &Service) {
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
            let is_denied = error.kind() == ErrorKind::Denied;
            is_denied.then_some(may).or_else(|| of_space(error))
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
                let text = format!("no lease is granted: {}", self.settings.located(error));
                let kind = self.settings.kind(error);
                self.report.wrong("rights", kind, text, of_space(error));
            }
        }
    }
}
