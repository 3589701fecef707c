//! The variables that etcdctl reads: each of its global flags has one. What decides which store it
//! asks, or as whom, is followed here too, or refused: never dropped.

use std::os::unix::ffi::OsStrExt;

use super::keys::USER;
use super::{Settings, boolean, invalid};
use crate::Result;
use crate::cli::environment::variable;

/// One of them.
pub(super) struct EtcdctlVariable {
    pub(super) name: &'static str,
    meaning: Meaning,
}

/// What becomes of it.
pub(super) enum Meaning {
    /// It counts for the option of the same name.
    Option,
    /// This is done.
    Followed(&'static str),
    /// What it asks for is not done here, for this reason; what to set in its place. It is refused
    /// unless the setting of that name comes from above it.
    Refused(&'static str, &'static str),
    /// It says nothing of which store, nor of who we are: why it is of no use.
    Unused(&'static str),
}

/// Whether endpoints without a scheme are spoken to in clear.
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

/// Refuses what would have etcdctl ask elsewhere, or as another, if `settings` has nothing that
/// comes before it.
pub(super) fn check(settings: &Settings) -> Result<()> {
    // A lock of this host is of no etcd.
    let endpoints = settings.values.get("endpoints");
    if endpoints.is_some_and(|list| list.as_bytes().starts_with(b"file:")) {
        return Ok(());
    }
    for EtcdctlVariable { name, meaning } in &VARIABLES {
        if let Meaning::Refused(why, other) = meaning
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

/// Whether endpoints without a scheme are to be spoken to over TLS.
pub(super) fn wants_tls() -> Result<bool> {
    let Some(text) = variable(INSECURE_TRANSPORT) else {
        return Ok(false);
    };
    let insecure = boolean(&text);
    let insecure =
        insecure.map_err(|why| invalid(format!("${INSECURE_TRANSPORT} {text:?}: {why}")))?;
    Ok(!insecure)
}

/// The table, for the man pages: a variable and what becomes of it.
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
