//! The fencing token where it is checked: even two at once do no harm then. The recipes are those
//! of docs/promise.md.

use std::process::{Command, Stdio};

use crate::genlock::{Run, Store, output};
use crate::support::etcd::Server;

/// What docs/promise.md proposes for etcd: the write and the question whether the lock is still ours are one
/// transaction.
const GUARDED: &str = "printf '%s\\n' \
    \"create(\\\"$GENLOCK_HELD_OWNER_KEY\\\") = \\\"$GENLOCK_HELD_TOKEN\\\"\" '' \
    \"put result $0\" '' '' | etcdctl txn";

#[test]
fn etcd_refuses_the_write_of_a_holder_that_lost_the_lock() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let guarded = |script: &str, who: &str| {
        let mut command = store.run(&["--ttl", "60"], &["sh", "-c", script, who]);
        command.env("ETCDCTL_API", "3");
        command.env("ETCDCTL_ENDPOINTS", server.endpoint());
        command
    };
    let first = output(guarded(GUARDED, "first"));
    assert!(first.text().starts_with("SUCCESS"), "{first:?}");
    // Told that the lock is gone, it writes all the same.
    let late = format!(
        "guarded() {{ {GUARDED}; }}; trap 'sleep 0.3; guarded; exit' TERM
         echo ready $$; sleep 600 & wait"
    );
    let stale = Run::start(guarded(&late, "stale"));
    stale.ready();
    let key = server
        .keys()
        .into_iter()
        .find(|key| key.starts_with("/locks/"));
    server.ctl(&["del", &key.expect("a key")]);
    let stale = stale.finish();
    assert!(stale.text().contains("FAILURE"), "{stale:?}");
    let kept = server.ctl(&["get", "result", "--print-value-only"]);
    assert_eq!(kept, "first\n");
}

/// What docs/promise.md proposes for SQL.
const SCHEMA: &str = "CREATE TABLE fence (name TEXT PRIMARY KEY, token INTEGER NOT NULL);
    INSERT INTO fence VALUES ('report', 0);
    CREATE TABLE report (line TEXT);";

#[test]
fn a_database_refuses_a_token_smaller_than_the_largest_it_has_seen() {
    if Command::new("sqlite3")
        .arg("-version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!("skipped: sqlite3 is not installed");
        return;
    }
    let store = Store::files();
    let file = store.path("db");
    let sql = |text: &str| {
        let ran = Command::new("sqlite3")
            .arg("-bail")
            .arg(&file)
            .arg(text)
            .output();
        let ran = ran.expect("sqlite3");
        let text = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
        ran.status.success().then_some(text)
    };
    sql(SCHEMA).expect("a schema");
    let token = || {
        let ran = output(store.sh(&[], "echo $GENLOCK_HELD_TOKEN")).silent(0);
        ran.text().parse::<u64>().expect("a token")
    };
    let write = |token: u64| {
        sql(&format!(
            "BEGIN IMMEDIATE;
             UPDATE fence SET token = {token} WHERE name = 'report' AND token <= {token};
             INSERT INTO report SELECT 'by {token}' WHERE changes() = 1;
             COMMIT;
             SELECT count(*) FROM report;"
        ))
    };
    let (older, newer) = (token(), token());
    assert!(older < newer);
    assert_eq!(write(older).as_deref(), Some("1"));
    assert_eq!(write(newer).as_deref(), Some("2"));
    // The older one comes late, as after a pause of its host.
    assert_eq!(write(older).as_deref(), Some("2"));
    assert_eq!(write(newer).as_deref(), Some("3"));
}
