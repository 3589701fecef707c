//! Users, passwords and certificates.

use std::process::Command;
use std::time::Duration;

use crate::genlock::{Store, genlock, output};
use crate::support::etcd::{Server, Setup};
use crate::support::secret::secret;

#[test]
fn a_user_with_a_password_from_wherever_it_may_come() {
    let mut server = Server::start();
    server.enable_auth();
    let store = Store::at(server.endpoint());
    secret(store.path("password"), "secret\n");
    let file = store.path("password");
    let file = file.to_str().expect("text");
    let run = |options: &[&str], variables: &[(&str, &str)]| {
        let mut command = store.run(options, &["env"]);
        command.envs(variables.iter().copied());
        output(command)
    };
    for (options, variables) in [
        (&["--user", "app", "--password-file", file][..], &[][..]),
        (&["--user", "app"], &[("GENLOCK_PASSWORD", "secret")]),
        (&[], &[("GENLOCK_USER", "app:secret")]),
        (&[], &[("ETCDCTL_USER", "app:secret")]),
        (
            &[],
            &[("ETCDCTL_USER", "app"), ("ETCDCTL_PASSWORD", "secret")],
        ),
        (
            &[],
            &[
                ("GENLOCK_USER", "app:secret"),
                ("ETCDCTL_USER", "root:wrong"),
            ],
        ),
    ] {
        let ran = run(options, variables).silent(0);
        // What is etcdctl's is the command's as well.
        let ours = |line: &&str| !line.starts_with("ETCDCTL_");
        let got: Vec<_> = ran.text().lines().filter(ours).collect();
        assert!(!got.join("\n").contains("secret"), "{got:?}");
    }
}

/// Demands that it is refused, and that it does not try again until the dial timeout, which is long here.
fn refused(mut command: Command, status: i32, words: &str) {
    command.env("GENLOCK_DIAL_TIMEOUT", "30s");
    let refused = output(command);
    assert_eq!(refused.status.code(), Some(status), "{}", refused.stderr);
    assert!(refused.one_line().contains(words), "{}", refused.stderr);
    assert!(refused.took < Duration::from_secs(20), "{:?}", refused.took);
}

#[test]
fn a_user_who_is_not_let_in() {
    let mut server = Server::start();
    server.enable_auth();
    let store = Store::at(server.endpoint());
    for (options, variables, status, words) in [
        (
            &["--user", "app"][..],
            &[("GENLOCK_PASSWORD", "wrong")][..],
            77,
            "authentication failed",
        ),
        (&["--user", "app"], &[], 78, "--password-file"),
        (&["--user", "app:secret"], &[], 78, "ps"),
        (
            &["--user", "app", "--password-file", "/no/such"],
            &[],
            78,
            "/no/such",
        ),
        (&[], &[], 77, "--user"),
    ] {
        let mut command = store.run(options, &["env"]);
        command.envs(variables.iter().copied());
        refused(command, status, words);
    }
    let mut elsewhere = Store::at(server.endpoint());
    elsewhere.key = "/other/k".to_owned();
    let mut command = elsewhere.run(&["--user", "app"], &["true"]);
    command.env("GENLOCK_PASSWORD", "secret");
    let refused = output(command);
    assert_eq!(refused.status.code(), Some(77));
    let line = refused.one_line();
    assert!(
        line.contains("/other/k") && line.contains("permission denied"),
        "{line}"
    );
    // The doctor says which rights are needed.
    assert!(
        line.contains("; try: genlock doctor ") && line.ends_with(" --user app /other/k"),
        "{line}"
    );
}

#[test]
fn a_prefix_is_proposed_only_to_who_named_none() {
    let mut server = Server::start();
    server.enable_auth();
    let line = |verb: &str, user: &str, password: &str, prefix: &str| {
        let mut command = genlock();
        command.args([verb, "--endpoints", &server.endpoint(), "--user", user]);
        command.env("GENLOCK_PASSWORD", password);
        command.args((!prefix.is_empty()).then_some(prefix));
        let refused = output(command);
        assert_eq!(refused.status.code(), Some(77), "{refused:?}");
        refused.one_line().to_owned()
    };
    for verb in ["ls", "watch"] {
        let all = line(verb, "app", "secret", "");
        let way_out = format!("as in genlock {verb} /locks/");
        assert!(
            all.contains("permission denied") && all.ends_with(&way_out),
            "{all}"
        );
        let some = line(verb, "app", "secret", "/other/");
        assert!(
            some.contains("/other/: ") && some.contains("permission denied"),
            "{some}"
        );
        assert!(!some.contains("as in"), "{some}");
        let login = line(verb, "app", "wrong", "");
        assert!(!login.contains("as in"), "{login}");
    }
}

#[test]
fn tls_from_options_and_from_etcdctls_variables() {
    let server = Server::with(Setup {
        tls: true,
        ..Setup::default()
    });
    let store = Store::at(server.endpoint());
    let file = |name: &str| server.file(name).to_str().expect("text").to_owned();
    let (ca, cert, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
    output(store.run(
        &["--cacert", &ca, "--cert", &cert, "--key", &key],
        &["true"],
    ))
    .silent(0);
    let mut command = store.run(&[], &["true"]);
    command.envs([
        ("ETCDCTL_CACERT", &ca),
        ("ETCDCTL_CERT", &cert),
        ("ETCDCTL_KEY", &key),
    ]);
    output(command).silent(0);
    let skip = ["--insecure-skip-tls-verify", "--cert", &cert, "--key", &key];
    output(store.run(&skip, &["true"])).silent(0);
    let other = file("other-ca.pem");
    for (options, status, words) in [
        (
            &["--cacert", &other, "--cert", &cert, "--key", &key][..],
            78,
            "--cacert",
        ),
        (&["--cacert", &ca], 77, "--cert"),
        (&["--cacert", &ca, "--cert", &cert], 78, "--key"),
        (&["--cacert", "/no/such.pem"], 78, "/no/such.pem"),
    ] {
        refused(store.run(options, &["true"]), status, words);
    }
}
