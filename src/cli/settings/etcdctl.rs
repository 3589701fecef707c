//! The variables that etcdctl reads, one for each of its global flags. Those that decide which store it
//! uses, and as which user, count here too, or are refused: to ignore one would lock elsewhere.

use std::ffi::OsStr;

use super::keys::USER;
use super::{Settings, boolean, invalid};
use crate::Result;
use crate::cli::environment::variable;
use crate::stores::{self, STORES};

/// A variable that etcdctl reads.
pub(super) struct EtcdctlVariable {
    pub(super) name: &'static str,
    meaning: Meaning,
}

/// What it does here.
pub(super) enum Meaning {
    /// It counts for the option of the same name.
    Option,
    /// It counts, in the way that is said here.
    Followed(&'static str),
    /// It is refused for this reason, unless the key of this name, which stands for it, is set in a place
    /// that comes before.
    Refused(&'static str, &'static str),
    /// It is ignored, as it decides neither the store nor the user; why there is no use for it.
    Unused(&'static str),
}

/// Whether endpoints without a scheme are reached without TLS.
const INSECURE_TRANSPORT: &str = "ETCDCTL_INSECURE_TRANSPORT";

const OUTPUT: &str = "of etcdctl's own output";
const OF_DISCOVERY: &str = "of use with ETCDCTL_DISCOVERY_SRV only";
const PINGS: &str = "connections are watched by other means";

pub(super) const VARIABLES: [EtcdctlVariable; 20] = [
    of("ETCDCTL_ENDPOINTS", Meaning::Option),
    of("ETCDCTL_CACERT", Meaning::Option),
    of("ETCDCTL_CERT", Meaning::Option),
    of("ETCDCTL_KEY", Meaning::Option),
    of("ETCDCTL_USER", Meaning::Followed("as GENLOCK_USER")),
    of("ETCDCTL_PASSWORD", Meaning::Followed("as GENLOCK_PASSWORD")),
    of("ETCDCTL_INSECURE_SKIP_TLS_VERIFY", Meaning::Option),
    of("ETCDCTL_DIAL_TIMEOUT", Meaning::Option),
    of("ETCDCTL_COMMAND_TIMEOUT", Meaning::Option),
    of(
        INSECURE_TRANSPORT,
        Meaning::Followed("if it is false, endpoints without a scheme are https://"),
    ),
    of(
        "ETCDCTL_DISCOVERY_SRV",
        Meaning::Refused("endpoints are not looked up in DNS", "endpoints"),
    ),
    of("ETCDCTL_DISCOVERY_SRV_NAME", Meaning::Unused(OF_DISCOVERY)),
    of("ETCDCTL_INSECURE_DISCOVERY", Meaning::Unused(OF_DISCOVERY)),
    of(
        "ETCDCTL_AUTH_JWT_TOKEN",
        Meaning::Refused("a user logs in by a password or a certificate", USER),
    ),
    of("ETCDCTL_KEEPALIVE_TIME", Meaning::Unused(PINGS)),
    of("ETCDCTL_KEEPALIVE_TIMEOUT", Meaning::Unused(PINGS)),
    of("ETCDCTL_WRITE_OUT", Meaning::Unused(OUTPUT)),
    of("ETCDCTL_HEX", Meaning::Unused(OUTPUT)),
    of("ETCDCTL_DEBUG", Meaning::Unused(OUTPUT)),
    of(
        "ETCDCTL_API",
        Meaning::Unused("there are locks in etcd's version 3 only"),
    ),
];

const fn of(name: &'static str, meaning: Meaning) -> EtcdctlVariable {
    EtcdctlVariable { name, meaning }
}

/// Whether these endpoints, or the default, are of the store that etcdctl uses: that whose endpoints need no
/// scheme. With another its variables do not matter, and its password is not for that store's servers.
pub(super) fn is_of_its_store(endpoints: Option<&OsStr>) -> bool {
    let endpoints = endpoints.map(OsStr::to_string_lossy);
    let endpoints: Vec<_> = endpoints
        .iter()
        .flat_map(|list| list.split(','))
        .map(|endpoint| endpoint.trim().to_owned())
        .collect();
    stores::kind_of(&endpoints).map_or(true, |kind| std::ptr::eq(kind, STORES[0]))
}

/// Refuses a variable that makes etcdctl use another store or user in a way that we do not follow, unless
/// `settings` has the key that comes before it. `is_etcdctls` says whether the store is etcdctl's: as whom
/// we are known is of use there only.
pub(super) fn check(settings: &Settings, is_etcdctls: bool) -> Result<()> {
    for EtcdctlVariable { name, meaning } in &VARIABLES {
        if let Meaning::Refused(why, other) = meaning
            && (is_etcdctls || *other == "endpoints")
            && variable(name).is_some()
            && !settings.has(other)
        {
            let upper = other.to_uppercase();
            return Err(invalid(format!(
                "${name}: {why}: set --{other} or $GENLOCK_{upper}, which come before it, or \
                 unset it"
            )));
        }
    }
    Ok(())
}

/// Whether TLS is asked for where an endpoint has no scheme.
pub(super) fn wants_tls() -> Result<bool> {
    let Some(text) = variable(INSECURE_TRANSPORT) else {
        return Ok(false);
    };
    let insecure = boolean(&text);
    let insecure =
        insecure.map_err(|why| invalid(format!("${INSECURE_TRANSPORT} {text:?}: {why}")))?;
    Ok(!insecure)
}

/// The table for the man pages: each variable and what it does here.
pub(super) fn table() -> String {
    let widest = VARIABLES.iter().map(|v| v.name.len()).max();
    let widest = widest.unwrap_or_default();
    let lines = VARIABLES.iter().map(|EtcdctlVariable { name, meaning }| {
        let words = match meaning {
            Meaning::Option => {
                let option = name.trim_start_matches("ETCDCTL_").to_lowercase();
                format!("--{}", option.replace('_', "-"))
            }
            Meaning::Followed(words) => (*words).to_owned(),
            Meaning::Refused(why, other) => {
                let upper = other.to_uppercase();
                format!("refused, unless --{other} or GENLOCK_{upper} is given: {why}")
            }
            Meaning::Unused(why) => format!("not read: {why}"),
        };
        format!("  {name:<widest$}  {words}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::keys::KEYS;
    use super::*;

    #[test]
    fn what_counts_for_an_option_is_read_for_it() {
        for EtcdctlVariable { name, meaning } in &VARIABLES {
            let read = KEYS.iter().any(|key| key.etcdctl == Some(*name));
            assert_eq!(matches!(meaning, Meaning::Option), read, "{name}");
        }
    }
}
