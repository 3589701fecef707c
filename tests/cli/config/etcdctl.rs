//! What etcdctl reads from its environment is followed or refused, where it says which store or who.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::{config, locks, refused, unconfigured};
use crate::genlock::{Run, Store, bare, genlock, output};

#[test]
fn every_variable_of_the_installed_etcdctl_has_its_place_in_the_table() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/genlock.7");
    let page = std::fs::read_to_string(page).expect("the page");
    let mut help = etcdctl();
    help.arg("--help");
    let help = output(help);
    let (_, options) = help.text().split_once("OPTIONS:").expect("its options");
    let flags = options
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("--"));
    let flags = flags.filter_map(|word| word.split(['=', '[']).next());
    let mut count = 0;
    for flag in flags.filter(|flag| *flag != "help") {
        let name = format!("ETCDCTL_{}", flag.to_uppercase().replace('-', "_"));
        assert!(page.contains(&format!("\n\\fB{name}\\fR\n")), "{name}");
        count += 1;
    }
    assert!(count > 15, "{}", help.text());
}

/// etcdctl, with nothing in its environment.
fn etcdctl() -> Command {
    let named = std::env::var_os("ETCDCTL").filter(|path| !path.is_empty());
    bare(named.unwrap_or("etcdctl".into()))
}

#[test]
fn a_store_that_cannot_be_found_as_etcdctl_does_is_not_another() {
    let place = config("endpoints = \"file:locks\"\n");
    let file = place.file.to_str().expect("a path");
    let srv = |mut run: Command| {
        // With endpoints of its own too etcdctl asks those that DNS names.
        run.env("ETCDCTL_ENDPOINTS", "127.0.0.1:1");
        run.env("ETCDCTL_DISCOVERY_SRV", "example.org");
        run
    };
    for words in [
        &["run", "k", "true"][..],
        &["status", "k"],
        &["ls"],
        &["wait", "k"],
        &["break", "k"],
        &["ls", "--config", file],
    ] {
        let mut verb = genlock();
        verb.args(words);
        let run = output(srv(verb));
        let said = refused(&run);
        for part in [
            "$ETCDCTL_DISCOVERY_SRV: ",
            "set --endpoints or $GENLOCK_END",
        ] {
            assert!(said.contains(part), "{words:?}: {said}");
        }
    }
    // What comes before it says where.
    let store = Store::files();
    locks(&output(srv(unconfigured(&[
        "--endpoints",
        &store.endpoints,
    ]))));
    let mut run = srv(unconfigured(&[]));
    run.env("GENLOCK_ENDPOINTS", &store.endpoints);
    locks(&output(run));
    // And an empty one nothing.
    let mut run = unconfigured(&["--config", file]);
    run.env("ETCDCTL_DISCOVERY_SRV", "");
    locks(&output(run));
}

#[test]
fn a_login_that_etcdctl_would_use_is_not_dropped() {
    let with_token = |endpoints| {
        let mut run = unconfigured(&["--endpoints", endpoints, "--dial-timeout", "0.2"]);
        run.env("ETCDCTL_AUTH_JWT_TOKEN", "secret");
        output(run)
    };
    let run = with_token("127.0.0.1:1");
    let said = refused(&run);
    assert!(said.contains("$ETCDCTL_AUTH_JWT_TOKEN: "), "{said}");
    assert!(!said.contains("secret"), "{said}");
    // Nobody logs in to this host's own, wherever that is named.
    locks(&with_token(&Store::files().endpoints));
    let place = config("endpoints = \"file:locks\"\n");
    let mut run = unconfigured(&["--config", place.file.to_str().expect("a path")]);
    run.env("ETCDCTL_AUTH_JWT_TOKEN", "secret");
    locks(&output(run));
}

#[test]
fn without_a_scheme_tls_is_spoken_when_etcdctl_would() {
    for (value, first) in [("false", 0x16), ("0", 0x16), ("true", b'P'), ("", b'P')] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let mut ours = unconfigured(&["--endpoints", &address, "--insecure-skip-tls-verify"]);
        let mut theirs = etcdctl();
        theirs.args(["--endpoints", &address, "get", "k"]);
        for command in [&mut ours, &mut theirs] {
            command.env("ETCDCTL_INSECURE_TRANSPORT", value);
        }
        for command in [ours, theirs] {
            let shown = format!("{command:?}");
            let run = Run::start(command);
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a byte");
            assert_eq!(byte[0], first, "{value:?}: {shown}");
            drop(run);
        }
    }
    // What has a scheme keeps it, if that says whether; etcd:// does not.
    for (scheme, first) in [("http://", b'P'), ("etcd://", 0x16)] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let endpoint = format!("{scheme}{address}");
        let mut run = unconfigured(&["--endpoints", &endpoint, "--insecure-skip-tls-verify"]);
        run.env("ETCDCTL_INSECURE_TRANSPORT", "false");
        let run = Run::start(run);
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a byte");
        assert_eq!(byte[0], first, "{endpoint}");
        drop(run);
    }
}

#[test]
fn a_mistake_in_a_variable_of_etcdctls_is_named() {
    for (name, value) in [
        ("ETCDCTL_DIAL_TIMEOUT", "soon"),
        ("ETCDCTL_INSECURE_SKIP_TLS_VERIFY", "maybe"),
        ("ETCDCTL_INSECURE_TRANSPORT", "maybe"),
    ] {
        let mut run = unconfigured(&[]);
        run.env(name, value);
        let run = output(run);
        let said = refused(&run);
        assert!(said.contains(&format!("${name} \"{value}\": ")), "{said}");
    }
}

/// A password for etcd is none of another store's servers' business.
#[test]
fn another_store_is_not_told_who_we_are_to_etcd() {
    let kinds = |endpoints: &str, in_file: bool| -> Vec<String> {
        let text = match in_file {
            true => format!("endpoints = \"{endpoints}\"\n"),
            false => String::new(),
        };
        let place = config(&text);
        let mut doctor = genlock();
        doctor.args(["doctor", "--json", "--config"]);
        doctor.arg(&place.file);
        if !in_file {
            doctor.args(["--endpoints", endpoints]);
        }
        doctor
            .env("ETCDCTL_USER", "backup")
            .env("ETCDCTL_PASSWORD", "secret")
            .env("ETCDCTL_INSECURE_SKIP_TLS_VERIFY", "true");
        let found: serde_json::Value = serde_json::from_str(output(doctor).text()).expect("JSON");
        let rows = found["settings"].as_array().expect("settings").iter();
        let etcdctls = rows.filter(|row| {
            row["origin"]
                .as_str()
                .is_some_and(|at| at.contains("ETCDCTL_"))
        });
        etcdctls
            .map(|row| row["key"].as_str().expect("a key").to_owned())
            .collect()
    };
    let directory = tempfile::tempdir().expect("a directory");
    let file = format!("file:{}", directory.path().display());
    for in_file in [false, true] {
        assert_eq!(kinds("127.0.0.1:1", in_file).len(), 3);
        assert_eq!(kinds("redis://127.0.0.1:1", in_file), [""; 0]);
        assert_eq!(kinds(&file, in_file), [""; 0]);
    }
}
