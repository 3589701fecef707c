//! What breaks a rule still. A line that is no longer needed fails the tests: these lists only
//! become shorter.

pub(crate) const SIZES: &[&str] = &[
    "src/locker/etcd/diagnose.rs file",
    "src/locker/net/tls/words.rs file",
];
pub(crate) const TYPES: &[&str] = &[
    "src/cli/doctor/report.rs Report",
    "src/cli/watch.rs Line",
    "src/error.rs Setting",
    "src/locker/etcd/diagnose.rs Answer",
    "src/locker/etcd/dial.rs Client",
    "src/locker/etcd/queue.rs Place",
    "src/locker/held.rs Variable",
    "src/locker/keeper/lease.rs Lease",
    "src/locker/net/endpoint.rs Endpoint",
    "src/locker/net/endpoint.rs Address",
    "src/locker/net/fault.rs Fault",
    "src/locker/net/tls/files.rs Contents",
    "src/locker/ownership.rs Status",
];
pub(crate) const LAYERS: &[&str] = &[
    "src/cli/doctor.rs locker::etcd::diagnose",
    "src/cli/doctor.rs locker::net::Config",
    "src/cli/doctor/etcd.rs locker::etcd::diagnose::Condition",
    "src/cli/doctor/etcd.rs locker::etcd::diagnose::Diagnosis",
    "src/cli/doctor/etcd.rs locker::etcd::diagnose::Member",
    "src/cli/doctor/etcd.rs locker::etcd::diagnose::Role",
    "src/cli/doctor/etcd.rs locker::etcd::diagnose::Status",
    "src/cli/doctor/etcd.rs locker::net::certificate::Certificate",
    "src/cli/doctor/etcd.rs locker::net::Config",
    "src/cli/doctor/file.rs locker::file::diagnose::diagnose",
    "src/cli/doctor/mends.rs locker::etcd::diagnose::Member",
    "src/cli/doctor/report.rs locker::net::certificate::Certificate",
    "src/cli/doctor/rights.rs locker::etcd::diagnose::Service",
    "src/cli/doctor/rights.rs locker::net::certificate::Certificate",
    "src/cli/doctor/rights.rs locker::net::Credentials",
    "src/cli/environment.rs locker::etcd",
    "src/cli/store.rs locker::net::Credentials",
    "src/cli/store.rs locker::etcd::Etcd",
    "src/cli/store.rs locker::net::Config",
    "src/cli/store.rs locker::file::FileStore",
    "src/cli/store.rs locker::net::Tls",
    "src/describe.rs local_time",
    "src/describe.rs stderr",
    "src/events.rs locker::Loss",
    "src/events.rs locker::Record",
    "src/events.rs locker::TakenAway",
    "src/local_time.rs describe::escape",
];
pub(crate) const CIRCLES: &[&str] = &[
    "src/cli/doctor/mends.rs cli::doctor::etcd",
    "src/local_time.rs describe",
    "src/locker/etcd/queue.rs locker::etcd::hold",
    "src/locker/etcd/renewal.rs locker::etcd::lease",
    "src/locker/etcd/watches.rs locker::etcd::dial",
    "src/locker/file/own.rs locker::file::directory",
];
pub(crate) const CRATES: &[&str] = &[];
