//! What others write, at random (`cargo xtask fuzz`): each target takes any bytes, and panics if what reads
//! them does not keep to its word. What was found once is among the seeds, which every run of the tests
//! tries.

use crate::locker::{Mark, PastRun, Record, TakenAway};
#[cfg(feature = "net")]
use crate::{locker::Config, locker::Options, secrets, stores::kind_of};

/// A target: its name, which its seeds and its program have too, and what it does with some bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    #[cfg(feature = "cli")]
    ("configuration", crate::cli::fuzz::configuration),
    #[cfg(feature = "etcd")]
    ("etcd", crate::locker::etcd::fuzz::answers),
    #[cfg(feature = "cli")]
    ("host", crate::cli::fuzz::host),
    #[cfg(feature = "net")]
    ("endpoints", endpoints),
    #[cfg(feature = "net")]
    ("pem", crate::locker::net::fuzz::pem),
    ("record", record),
    #[cfg(feature = "redis")]
    ("redis", crate::locker::redis::fuzz::answers),
    #[cfg(feature = "cli")]
    ("shown", crate::cli::fuzz::shown),
    #[cfg(feature = "cli")]
    ("times", crate::cli::fuzz::times),
    #[cfg(feature = "cli")]
    ("zone", crate::local_time::fuzz),
    #[cfg(feature = "zookeeper")]
    ("zookeeper", crate::locker::zookeeper::fuzz::answers),
];

/// Runs the target of this name.
///
/// # Panics
/// If there is none; and if it has found something.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let Some((_, target)) = target else {
        panic!("no target is called {name}");
    };
    target(data);
}

/// The records that stores keep. What is read is written so that it is read again, and a mark changes
/// nothing else.
fn record(data: &[u8]) {
    if let Some(record) = Record::from_json(data) {
        let read = Record::from_json(&record.to_json()).expect("a record");
        assert!(read.is_of(&record) && read.locks() == record.locks());
        let by = TakenAway::by_this_process();
        let marked = Record::marked(data, &by).expect("a record");
        let marked = Record::from_json(&marked).expect("a record");
        assert_eq!(marked.taken_away.as_ref(), Some(&by));
        let unmarked = Record {
            taken_away: record.taken_away.clone(),
            ..marked
        };
        assert_eq!(unmarked, record);
    } else {
        assert_eq!(Record::marked(data, &TakenAway::default()), None);
    }
    if let Some(run) = PastRun::from_json(data) {
        assert_eq!(PastRun::from_json(&run.to_json()), Some(run));
    }
    if let Some(mark) = Mark::from_json(data) {
        let read = Mark::from_json(&mark.to_json(std::time::Duration::from_secs(60)));
        let mut read = read.expect("a mark");
        assert!(!read.is_over());
        read.expires_at.clone_from(&mark.expires_at);
        assert_eq!(read, mark);
    }
}

/// What no message may have in it.
#[cfg(feature = "net")]
const SECRET: &str = "hunter2";

/// A list of endpoints: each store takes it or refuses it, and shows no password.
#[cfg(feature = "net")]
fn endpoints(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let _ = (secrets::user(text), secrets::path(text));
    list(text)
        .iter()
        .for_each(|one| crate::locker::net::fuzz::endpoint(one));
    let _ = open(&list(text));
    // In the path of a socket or a directory an `@` is nothing else, wherever a comma has put it.
    let is_path = |one: &String| {
        let lower = one.to_ascii_lowercase();
        lower.starts_with("unix:") || lower.starts_with("file:")
    };
    if list(text).iter().skip(1).any(is_path) {
        return;
    }
    let hidden = format!("://u:{SECRET}{text}{SECRET}@h:1");
    for scheme in ["http", "redis", "zk", "rediss+sentinel", "x"] {
        let hidden = format!("{scheme}{hidden}");
        let refused = open(&list(&hidden)).expect_err("a user is in it");
        for shown in [refused, secrets::endpoints(&hidden)] {
            assert!(!shown.contains(SECRET), "{shown}");
        }
    }
}

/// Opens a client, which sends nothing; why not, in words.
#[cfg(feature = "net")]
fn open(endpoints: &[String]) -> Result<(), String> {
    let kind = kind_of(endpoints).map_err(|error| error.to_string())?;
    // It would make a directory.
    if kind.is_local {
        return Ok(());
    }
    let opened = (kind.open)(Config::new(endpoints), Options::default());
    opened.map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
#[test]
fn all_that_was_found_once_is_mended() {
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    if !seeds.exists() {
        return eprintln!("skipped: no seeds are in the archive");
    }
    for (name, target) in TARGETS {
        let files = std::fs::read_dir(seeds.join(name)).expect("seeds");
        let mut count = 0;
        for file in files {
            let path = file.expect("a file").path();
            eprintln!("{}", path.display());
            target(&std::fs::read(path).expect("a seed"));
            count += 1;
        }
        assert!(count > 0, "{name} has no seeds");
    }
}
