//! A secret is never said, wherever it was written and whatever is wrong with it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::genlock::{Finished, Store, genlock, output};
use crate::support::etcd::Server;
use crate::support::secret::secret;

const SECRET: &str = "hunter2";

/// Endpoints with a secret, as people write them. Nobody listens at any.
const ENDPOINTS: [&str; 14] = [
    "http://app:hunter2@127.0.0.1:1",
    "HTTPS://app:hunter2@127.0.0.1:1/",
    "app:hunter2@127.0.0.1:1",
    "hunter2@127.0.0.1:1",
    "ftp://app:hunter2@h:1",
    "http://app:hunter2@h:1,http://127.0.0.1:1",
    "http://127.0.0.1:1,http://app:hunter2,more@h:1",
    "file:/tmp,http://app:hunter2@h:1",
    "http://127.0.0.1:1/?token=hunter2",
    "http://app:p@hunter2@[::1]:1",
    "http://app:hunter2%40127.0.0.1:1",
    "unix://app:hunter2@/nowhere",
    "file:app:hunter2@/nowhere",
    "file:///nowhere/app:hunter2@/nowhere",
];

/// The verbs, with as much as each needs.
const VERBS: [&[&str]; 9] = [
    &["run", "-vv", "--try", "/k", "true"],
    &["run", "-n", "--bogus", "/k", "true"],
    &["status", "/k"],
    &["ls"],
    &["check"],
    &["break", "/k", "--token", "1"],
    &["wait", "/k"],
    &["doctor", "-v"],
    &["doctor", "--json"],
];

/// What is given to a run.
#[derive(Default)]
struct Given {
    options: Vec<String>,
    variables: Vec<(&'static str, String)>,
    file: Option<String>,
}

fn option(name: &str, value: &str) -> Given {
    Given {
        options: vec![format!("--{name}"), value.to_owned()],
        ..Given::default()
    }
}

fn variable(name: &'static str, value: &str) -> Given {
    Given {
        variables: vec![(name, value.to_owned())],
        ..Given::default()
    }
}

fn file(text: &str) -> Given {
    Given {
        file: Some(text.to_owned()),
        ..Given::default()
    }
}

impl Given {
    fn command(&self, dir: &Path, verb: &[&str]) -> Command {
        let mut command = genlock();
        // Where each verb has options.
        command.arg(verb[0]).args(&self.options).args(&verb[1..]);
        command.env("GENLOCK_DIAL_TIMEOUT", "50ms");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(text) = &self.file {
            let path = dir.join("config.toml");
            std::fs::write(&path, text).expect("a file");
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
            command.env("GENLOCK_CONFIG", path);
        }
        command
    }
}

#[track_caller]
fn keeps(run: &Finished) {
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(!said.contains(SECRET), "{run:?}");
    assert!(!run.stderr.contains(SECRET), "{run:?}");
}

/// Runs every verb with the first of these, and those that show settings with each.
fn all_keep(all: &[Given]) {
    let dir = TempDir::new().expect("a directory");
    for (number, given) in all.iter().enumerate() {
        for verb in VERBS {
            if number == 0 || matches!(verb[0], "status" | "doctor") {
                keeps(&output(given.command(dir.path(), verb)));
            }
        }
        if !given.options.is_empty() {
            // Before the verb, where they do not belong.
            let mut command = genlock();
            command.args(&given.options).args(["run", "/k", "true"]);
            keeps(&output(command));
        }
    }
}

#[test]
fn no_secret_of_an_endpoint_is_said() {
    for endpoint in ENDPOINTS {
        all_keep(&[
            option("endpoints", endpoint),
            variable("GENLOCK_ENDPOINTS", endpoint),
            variable("ETCDCTL_ENDPOINTS", endpoint),
            file(&format!("endpoints = \"{endpoint}\"\n")),
        ]);
    }
}

#[test]
fn no_secret_of_a_user_is_said() {
    let nowhere = "endpoints = \"127.0.0.1:1\"\n";
    let mut all = vec![
        option("user", "app:hunter2"),
        variable("GENLOCK_USER", "app:hunter2"),
        variable("ETCDCTL_USER", "app:hunter2"),
        variable("GENLOCK_PASSWORD", "hunter2"),
        variable("ETCDCTL_PASSWORD", "hunter2"),
    ];
    for text in [
        "user = \"app:hunter2\"",
        "user = \"app:hunter2\"\npassword = \"hunter2\"",
        "user = \"app\"\npassword = \"hunter2\"",
        "user = \"app\"\npassword = hunter2",
        "user = \"app\"\npassword = [\"hunter2\"]",
        "user = \"app\"\npassword = \"hunter2",
        "user = \"app\"\npasswort = \"hunter2\"",
        "user = \"app\"\npassword = \"hunter2\"\npassword-file = \"x\"",
        "user = \"app\"\npassword = \"hunter2\"\npassword = \"hunter2\"",
        "password: hunter2",
    ] {
        all.push(file(&format!("{nowhere}{text}\n")));
    }
    for given in &mut all {
        if given.file.is_none() {
            given
                .variables
                .push(("GENLOCK_ENDPOINTS", "127.0.0.1:1".to_owned()));
        }
    }
    // With the password elsewhere the whole is the name, which is not said either.
    let mut both = option("user", "app:hunter2");
    both.variables.push(("GENLOCK_PASSWORD", "x".to_owned()));
    both.variables
        .push(("GENLOCK_ENDPOINTS", "127.0.0.1:1".to_owned()));
    all.push(both);
    all_keep(&all);
}

#[test]
fn no_secret_of_an_option_that_there_is_not_is_said() {
    const WHY: &str = "a password on the command line can be read by everyone (ps): use \
                       --password-file or $GENLOCK_PASSWORD";
    for name in [
        "--password",
        "--passwd",
        "--pass",
        "--user-password",
        "-password",
    ] {
        let with = format!("{name}={SECRET}");
        for words in [
            &["run", name, SECRET, "/k", "true"][..],
            &["run", &with, "/k", "true"],
            &["run", "--try", &with, "/k", "true"],
            &["run", "/k", name, SECRET, "true"],
            &["doctor", &with],
            &["ls", name, SECRET],
            &["rn", &with, "/k", "true"],
            &[name, SECRET, "run", "/k", "true"],
            &[&with, "run", "/k", "true"],
            &[&with],
        ] {
            let mut command = genlock();
            command.args(words);
            let run = output(command);
            keeps(&run);
            assert_eq!(run.status.code(), Some(64), "{words:?}: {run:?}");
            // Behind the key it could be the command's.
            if words.get(1) != Some(&"/k") {
                assert_eq!(
                    run.one_line(),
                    format!("genlock: {name}: {WHY}"),
                    "{words:?}"
                );
            }
        }
    }
    // What is nearly the option for a file is that.
    let mut command = genlock();
    command.args(["run", "--password-fil", "x", "k", "true"]);
    let run = output(command);
    let line = run.one_line();
    assert!(
        line.ends_with("try: genlock run --password-file x k true"),
        "{line}"
    );
}

#[test]
fn no_content_of_a_file_is_said() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("file");
    let path = path.to_str().expect("a path");
    for content in [
        &b"hunter2\n"[..],
        b"hunter2\xff\n",
        b"-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\naHVudGVyMgo=\n-----END CERTIFICATE-----\n",
        b"-----BEGIN hunter2-----\n",
    ] {
        std::fs::write(path, content).expect("a file");
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).expect("a mode");
        let mut all = vec![option("cacert", path), option("cert", path)];
        let mut pair = option("cert", path);
        pair.options.extend(["--key".to_owned(), path.to_owned()]);
        all.push(pair);
        let mut user = option("user", "app");
        user.options
            .extend(["--password-file".to_owned(), path.to_owned()]);
        all.push(user);
        for given in &mut all {
            given
                .variables
                .push(("GENLOCK_ENDPOINTS", "https://127.0.0.1:1".to_owned()));
        }
        all_keep(&all);
    }
}

#[test]
fn a_login_that_is_refused_shows_no_secret() {
    let mut server = Server::start();
    server.enable_auth();
    let endpoint = server.endpoint();
    let mut all = vec![
        variable("GENLOCK_USER", "app:hunter2"),
        option("user", "app:hunter2"),
    ];
    all[1]
        .variables
        .push(("GENLOCK_PASSWORD", "hunter2".to_owned()));
    for given in &mut all {
        given
            .variables
            .push(("GENLOCK_ENDPOINTS", endpoint.clone()));
    }
    let dir = TempDir::new().expect("a directory");
    for given in &all {
        for verb in VERBS {
            let mut command = given.command(dir.path(), verb);
            command.env_remove("GENLOCK_DIAL_TIMEOUT");
            let run = output(command);
            keeps(&run);
            if verb[0] == "status" {
                assert_eq!(run.status.code(), Some(77), "{run:?}");
                let apart = "(user \"app:…\": the colon is the name's";
                assert_eq!(run.stderr.contains(apart), !given.options.is_empty());
            }
        }
    }
}

#[test]
fn a_name_with_a_colon_logs_in() {
    let mut server = Server::start();
    server.ctl(&["user", "add", "a:b", "--new-user-password=c:d"]);
    server.ctl(&["user", "grant-role", "a:b", "root"]);
    server.enable_auth();
    let store = Store::at(server.endpoint());
    let path = store.path("password");
    secret(&path, "c:d\n");
    let file = path.to_str().expect("a path");
    for (options, variables) in [
        (&["--user", "a:b", "--password-file", file][..], &[][..]),
        (&["--user", "a:b"], &[("GENLOCK_PASSWORD", "c:d")]),
        (&["--password-file", file], &[("GENLOCK_USER", "a:b")]),
        (&[], &[("GENLOCK_USER", "a:b"), ("GENLOCK_PASSWORD", "c:d")]),
        (&[], &[("ETCDCTL_USER", "a:b"), ("ETCDCTL_PASSWORD", "c:d")]),
    ] {
        let mut run = store.run(options, &["true"]);
        run.envs(variables.iter().copied());
        output(run).silent(0);
    }
    // It is the command's, too.
    let nested = "test \"$GENLOCK_USER\" = a:b";
    let mut run = store.sh(&[], nested);
    run.env("GENLOCK_USER", "a:b")
        .env("GENLOCK_PASSWORD_FILE", file);
    output(run).silent(0);
    let mut run = store.sh(&["--password-file", file], nested);
    run.env("GENLOCK_USER", "a:b");
    output(run).silent(0);
    // It is not where the option names another: it may be a password then.
    let mut run = store.sh(
        &["--user", "a:b", "--password-file", file],
        "test \"$GENLOCK_USER\" = x",
    );
    run.env("GENLOCK_USER", "x:secret");
    output(run).silent(0);
    let config = store.path("config.toml");
    std::fs::write(&config, "user = \"a:b\"\npassword-file = \"password\"\n").expect("a file");
    let mut run = store.run(&[], &["true"]);
    run.env("GENLOCK_CONFIG", &config);
    output(run).silent(0);
}
