//! The list of stores, and which of them an endpoint belongs to.

use crate::error::{Error, ErrorKind, Result, Setting};
use crate::locker::kind::StoreKind;
use crate::locker::{Config, Locker, Options, etcd, file};
use crate::secrets;

/// All of them. An endpoint without a scheme is the first one's.
pub static STORES: [&StoreKind; 2] = [&etcd::KIND, &file::KIND];

/// Opens a store by its URL: `etcd://h1:2379,h2:2379`, `https://h1:2379`, `unix:///run/etcd.sock`, a
/// bare `host:port` (etcd), `file:/var/lock/jobs`, or `file:` for the user's own directory. To use
/// another store, change the URL and nothing else. Does not wait for a network.
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
    let mut kinds = endpoints.iter().map(|endpoint| {
        let found = STORES.iter().find(|kind| kind.has(endpoint));
        *found.unwrap_or(&STORES[0])
    });
    let first = kinds.next().unwrap_or(STORES[0]);
    if let Some(second) = kinds.next() {
        let mut all = [first, second].into_iter().chain(kinds);
        if let Some(alone) = all.find(|kind| !kind.several) {
            return Err(misfit(
                endpoints,
                &format!("{} stands alone", alone.schemes[0]),
            ));
        }
    }
    Ok(first)
}

/// The error for endpoints that cannot be used together.
fn misfit(endpoints: &[String], why: &str) -> Error {
    let shown = secrets::endpoints(&endpoints.join(","));
    let error = Error::new(ErrorKind::InvalidConfig, format!("{shown}: {why}"));
    error.about([Setting::Endpoints])
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("file:", "file"),
            ("file:///var/lock", "file"),
        ] {
            assert_eq!(name(list).expect("a store"), store, "{list}");
        }
        for list in ["file:/a,file:/b", "file:/a,h1:2379", "h1:2379,file:/a"] {
            let error = name(list).expect_err("two stores").to_string();
            assert!(error.contains("file: stands alone"), "{error}");
        }
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
}
