//! The list of stores, and which of them an endpoint belongs to.

use crate::error::{Capability, Error, ErrorKind, Result, Setting, Subject};
#[cfg(feature = "etcd")]
use crate::locker::etcd;
#[cfg(feature = "file")]
use crate::locker::file;
use crate::locker::kind::StoreKind;
#[cfg(feature = "redis")]
use crate::locker::redis;
#[cfg(feature = "zookeeper")]
use crate::locker::zookeeper;
use crate::locker::{Config, Locker, Options};
use crate::secrets;

/// The stores of this build. Each is behind a feature of its name.
pub static STORES: &[&StoreKind] = &[
    #[cfg(feature = "etcd")]
    &etcd::KIND,
    #[cfg(feature = "file")]
    &file::KIND,
    #[cfg(feature = "redis")]
    &redis::KIND,
    #[cfg(feature = "zookeeper")]
    &zookeeper::KIND,
];

/// The store of an endpoint without a scheme.
const DEFAULT: &str = "etcd";

/// Opens a store by its URL: `etcd://h1:2379,h2:2379`, `https://h1:2379`, `unix:///run/etcd.sock`, a
/// bare `host:port` (etcd), `redis://h1`, `zk://h1,h2,h3`, `file:/var/lock/jobs`, or `file:` for the
/// user's own directory. To use another store, change the URL and nothing else. Does not wait for a
/// network.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> genlock::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// let url = format!("file:{}", dir.path().display());
/// let locks = genlock::open(&url, genlock::Options::new())?;
/// let held = locks.lock("/locks/backup").await?;
/// locks.unlock(held).await
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidConfig`] if the endpoints of the URL belong to different stores, or are several
/// where the store takes one; and as the store's own constructor.
pub fn open(url: &str, options: Options) -> Result<Box<dyn Locker>> {
    open_with(Config::new(url.split(',')), options)
}

/// [`open`] with TLS, credentials and time limits.
///
/// # Errors
/// As [`open`].
pub fn open_with(config: Config, options: Options) -> Result<Box<dyn Locker>> {
    let kind = kind_of(config.endpoints.as_deref().unwrap_or_default())?;
    Ok((kind.open)(config, options)?)
}

/// The store that these endpoints belong to.
pub(crate) fn kind_of(endpoints: &[String]) -> Result<&'static StoreKind> {
    kind_among(STORES, endpoints)
}

/// The one of these `kinds` that the endpoints belong to.
fn kind_among(stores: &[&'static StoreKind], endpoints: &[String]) -> Result<&'static StoreKind> {
    let mut kinds = Vec::new();
    for endpoint in endpoints {
        let of_scheme = stores.iter().find(|kind| kind.has(endpoint)).copied();
        let kind = match (of_scheme, kinds.first()) {
            (Some(kind), _) => kind,
            (None, _) if has_scheme(endpoint) => {
                return Err(of_no_store(stores, secrets::one_of(endpoints, endpoint)));
            }
            // A scheme may be written once for the whole list: zk://h1,h2.
            (None, Some(&first)) => first,
            (None, None) => default(stores)?,
        };
        kinds.push(kind);
    }
    let Some(&first) = kinds.first() else {
        return default(stores);
    };
    let why = if let Some(alone) = kinds.iter().find(|kind| !kind.several && kinds.len() > 1) {
        format!("{} stands alone", alone.schemes[0])
    } else if let Some(other) = kinds.iter().find(|kind| kind.name() != first.name()) {
        format!("{} and {} are two stores", first.name(), other.name())
    } else {
        return Ok(first);
    };
    Err(misfit(endpoints, &why))
}

/// Whether it is more than a host and a port.
fn has_scheme(endpoint: &str) -> bool {
    let rest = endpoint.split_once(':').map(|(_, rest)| rest);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

/// The store of an endpoint without a scheme.
fn default(stores: &[&'static StoreKind]) -> Result<&'static StoreKind> {
    let found = stores.iter().find(|kind| kind.name() == DEFAULT).copied();
    found.ok_or_else(|| {
        let why = format!("this build has no {DEFAULT}: its feature `{DEFAULT}` is off");
        Error::new(ErrorKind::InvalidConfig, why).about([Setting::Endpoints])
    })
}

/// The error for an endpoint whose scheme is no store's, as it may be shown; that of a store may not be in
/// this build.
fn of_no_store(stores: &[&'static StoreKind], shown: String) -> Error {
    let schemes: Vec<_> = stores
        .iter()
        .flat_map(|kind| kind.schemes)
        .copied()
        .collect();
    let why = format!(
        "no store of this build has such a scheme, only {}",
        schemes.join(" ")
    );
    let error = Error::new(ErrorKind::InvalidConfig, why).about([Setting::Endpoints]);
    error.of(Subject::Endpoint(shown))
}

/// The stores of this build that can do this.
pub fn stores_with(capability: Capability) -> impl Iterator<Item = &'static StoreKind> {
    let all = STORES.iter().copied();
    all.filter(move |kind| kind.capabilities.have(capability))
}

/// If the error is that a store lacks a capability: names the stores that have it.
#[cfg(feature = "cli")]
pub(crate) fn who_could(error: &Error) -> Option<String> {
    let missing = error.subjects().find_map(|subject| match subject {
        Subject::Capability(missing) => Some(*missing),
        _ => None,
    })?;
    let names: Vec<_> = stores_with(missing).map(StoreKind::name).collect();
    Some(could(&names))
}

/// The sentence that names these stores.
#[cfg(feature = "cli")]
fn could(names: &[&str]) -> String {
    match names {
        [] => "no store could".to_owned(),
        [one] => format!("{one} could"),
        [first @ .., last] => format!("{} or {last} could", first.join(", ")),
    }
}

/// The error for endpoints that cannot be used together.
fn misfit(endpoints: &[String], why: &str) -> Error {
    let shown = secrets::endpoints(&endpoints.join(","));
    let error = Error::new(ErrorKind::InvalidConfig, format!("{shown}: {why}"));
    error.about([Setting::Endpoints])
}

#[cfg(all(
    test,
    feature = "etcd",
    feature = "file",
    feature = "redis",
    feature = "zookeeper"
))]
mod tests {
    use super::*;
    use crate::locker::{Mode, QueuePolicy, Request};

    #[test]
    fn endpoints_mean_one_store() {
        let name = |list: &str| {
            let endpoints: Vec<_> = list.split(',').map(str::to_owned).collect();
            kind_of(&endpoints).map(StoreKind::name)
        };
        for (list, store) in [
            ("h1:2379,h2", "etcd"),
            ("etcd://h1:2379,h2:2379", "etcd"),
            ("https://h1,http://h2,unix:///run/x", "etcd"),
            ("HTTPS://h1,h2", "etcd"),
            ("file:", "file"),
            ("FILE:///var/lock", "file"),
            ("redis://h/2", "redis"),
            ("rediss://h", "redis"),
            ("zk://h1,h2:2181/chroot", "zookeeper"),
            ("ZKS://h", "zookeeper"),
        ] {
            assert_eq!(name(list).expect("a store"), store, "{list}");
        }
        for list in ["file:/a,file:/b", "file:/a,h1:2379", "h1:2379,file:/a"] {
            let error = name(list).expect_err("two stores").to_string();
            assert!(error.contains("file: stands alone"), "{error}");
        }
    }

    #[test]
    fn an_endpoint_of_no_store_of_this_build_is_refused() {
        let refused = |stores: &[&'static StoreKind], endpoints: &[&str]| {
            let endpoints: Vec<_> = endpoints.iter().map(|&each| each.to_owned()).collect();
            let error = kind_among(stores, &endpoints).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            error.to_string()
        };
        assert_eq!(
            refused(&[&file::KIND], &["https://me:secret@h1:2379"]),
            "https://…@h1:2379: no store of this build has such a scheme, only file: (endpoints)"
        );
        for endpoints in [&["h1:2379"][..], &[]] {
            let error = refused(&[&file::KIND], endpoints);
            assert!(error.contains("`etcd` is off"), "{error}");
        }
        for (stores, endpoint) in [(&[&etcd::KIND][..], "file:/a"), (STORES, "ftp://h")] {
            let error = refused(stores, &["h1", endpoint]);
            assert!(
                error.contains(endpoint) && error.contains("https://"),
                "{error}"
            );
        }
        // A password with a comma was cut in two.
        let error = refused(STORES, &["x://u:hunter2", "more@h"]);
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(STORES[0].name(), DEFAULT);
    }

    #[test]
    fn no_scheme_and_no_name_is_two_stores() {
        for (index, kind) in STORES.iter().enumerate() {
            for other in &STORES[index + 1..] {
                assert_ne!(kind.name(), other.name());
                assert!(!kind.schemes.iter().any(|scheme| other.has(scheme)));
            }
            let default = [kind.default_endpoint.to_owned()];
            let found = kind_of(&default).expect("a store");
            assert_eq!(found.name(), kind.name());
        }
    }

    #[cfg(feature = "cli")]
    #[test]
    fn what_a_store_cannot_do_comes_with_those_that_could() {
        let asked = [
            (
                Capability::Shared,
                Request::new("/k").with_mode(Mode::Shared),
            ),
            (
                Capability::SeveralHolders,
                Request::new("/k").with_mode(Mode::OneOf(3)),
            ),
            (Capability::SeveralKeys, Request::new("/k").also("/l")),
            (
                Capability::Latest,
                Request::new("/k").with_queue(QueuePolicy::Latest),
            ),
        ];
        for (capability, request) in asked {
            let able: Vec<_> = stores_with(capability).map(StoreKind::name).collect();
            for kind in STORES {
                let checked = request.check(kind.capabilities, &Options::default());
                if able.contains(&kind.name()) {
                    checked.expect("it can");
                    continue;
                }
                let refused = checked.expect_err("it cannot");
                assert_eq!(refused.kind(), ErrorKind::Unsupported);
                assert_eq!(who_could(&refused), Some(could(&able)));
            }
        }
        let other = Error::new(ErrorKind::Unavailable, "away");
        assert_eq!(who_could(&other), None);
        assert_eq!(could(&[]), "no store could");
        assert_eq!(could(&["a"]), "a could");
        assert_eq!(could(&["a", "b", "c"]), "a, b or c could");
    }
}
