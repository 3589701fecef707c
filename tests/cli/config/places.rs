//! Which file counts, and what comes before it.

use std::path::Path;

use super::{Place, config, locks, refused, unconfigured, variable};
use crate::genlock::{Store, bare, output, under};

#[test]
fn each_place_comes_before_the_next() {
    let user = Place::new(
        ".config/genlock/config.toml",
        "endpoints = \"file:of-user\"\n",
    );
    let system = Place::new(
        "genlock/config.toml",
        "endpoints = \"file:of-system\"\nttl = 33\n",
    );
    let [of_flag, of_genlock, of_etcdctl] = ["flag", "genlock", "etcdctl"].map(|name| {
        let directory = user.store.path(name);
        (format!("file:{}", directory.display()), directory)
    });
    // The lowest first, each on top of those before it. The TTL is the lowest's to the end.
    let mut run = unconfigured(&["--no-renew"]);
    let prefix = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        "mount --bind \"$0\" /etc && exec \"$@\"",
        system.directory().to_str().expect("a path"),
    ];
    let tried = output(under(&prefix, &bare("true")));
    let has_system = tried.status.success();
    if has_system {
        let found = output(under(&prefix, &run));
        assert_eq!(locks(&found), Path::new("/etc/genlock/of-system"));
    } else {
        eprintln!("skipped in part: nothing can be mounted over /etc here");
    }
    let home = user.directory();
    let of_user = (
        home.to_str().expect("a path").to_owned(),
        home.join(".config/genlock/of-user"),
    );
    for (name, (value, expected)) in [
        ("HOME", &of_user),
        ("ETCDCTL_ENDPOINTS", &of_etcdctl),
        ("GENLOCK_ENDPOINTS", &of_genlock),
    ] {
        run.env(name, value);
        let found = if has_system {
            output(under(&prefix, &run))
        } else {
            output(under(&["env"], &run))
        };
        assert_eq!(locks(&found), *expected);
        let ttl = if has_system { "33" } else { "10" };
        assert_eq!(variable(&found, "GENLOCK_HELD_TTL"), Some(ttl));
    }
    let mut run = unconfigured(&["--endpoints", &of_flag.0]);
    run.env("GENLOCK_ENDPOINTS", &of_genlock.0);
    assert_eq!(locks(&output(run)), of_flag.1);
    // An empty variable says nothing.
    let mut run = unconfigured(&[]);
    run.env("HOME", home).env("GENLOCK_ENDPOINTS", "");
    run.env("GENLOCK_CONFIG", "").env("ETCDCTL_ENDPOINTS", "");
    assert_eq!(locks(&output(run)), of_user.1);
}

#[test]
fn the_users_file_is_where_xdg_says() {
    let xdg = Place::new("genlock/config.toml", "endpoints = \"file:locks\"\n");
    let home = Place::new(
        ".config/genlock/config.toml",
        "endpoints = \"file:locks\"\n",
    );
    let mut run = unconfigured(&[]);
    run.env("HOME", home.directory());
    run.env("XDG_CONFIG_HOME", xdg.directory());
    assert_eq!(locks(&output(run)), xdg.directory().join("genlock/locks"));
    // A relative one is ignored, as the specification says.
    let mut run = unconfigured(&[]);
    run.env("HOME", home.directory());
    run.env("XDG_CONFIG_HOME", ".").current_dir(xdg.directory());
    let in_home = home.directory().join(".config/genlock/locks");
    assert_eq!(locks(&output(run)), in_home);
}

#[test]
fn the_file_that_is_named_stands_for_all() {
    let home = Place::new(".config/genlock/config.toml", "nonsense");
    let named = config("endpoints = \"file:locks\"\n");
    let elsewhere = config("nonsense");
    let with_home = |options: &[&str]| {
        let mut run = unconfigured(options);
        run.env("HOME", home.directory());
        run
    };
    let name = named.file.to_str().expect("a path");
    let found = output(with_home(&["--config", name]));
    assert_eq!(locks(&found), named.directory().join("locks"));
    let mut run = with_home(&[]);
    run.env("GENLOCK_CONFIG", name);
    assert_eq!(locks(&output(run)), named.directory().join("locks"));
    let mut run = with_home(&["--config", name]);
    run.env("GENLOCK_CONFIG", &elsewhere.file);
    assert_eq!(locks(&output(run)), named.directory().join("locks"));
    // None at all.
    let own = named.store.endpoints.as_str();
    locks(&output(with_home(&[
        "--config",
        "/dev/null",
        "--endpoints",
        own,
    ])));
    let run = output(with_home(&["--config", "/no/such.toml"]));
    assert!(refused(&run).contains("/no/such.toml: no such file"));
    let run = output(with_home(&["--config", "/tmp"]));
    assert!(refused(&run).contains("/tmp: is a directory"));
    let run = output(with_home(&["--config", "/dev/zero"]));
    assert!(refused(&run).contains("/dev/zero: too long"));
    let run = output(with_home(&["--config", ""]));
    assert_eq!(run.status.code(), Some(64), "{run:?}");
    assert!(run.one_line().contains("--config"));
}

#[test]
fn without_a_home_there_is_no_file_of_the_users() {
    let store = Store::files();
    let options = ["--endpoints", &store.endpoints];
    for home in [
        None,
        Some(""),
        Some("."),
        Some("/dev/null"),
        Some("/no/such"),
    ] {
        let mut run = unconfigured(&options);
        if let Some(home) = home {
            run.env("HOME", home);
        }
        locks(&output(run));
    }
}
