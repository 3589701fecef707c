//! What genlock makes is not open to others, and a password shows up nowhere.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::genlock::{Run, Store, output};
use crate::support::etcd::Server;
use crate::support::secret::secret;

/// Everything below a directory, and itself, that others may use, with its mode.
fn open_to_others(directory: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let mut look = vec![directory.to_owned()];
    while let Some(path) = look.pop() {
        let stat = std::fs::symlink_metadata(&path).expect("a file");
        let mode = stat.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            found.push((path.display().to_string(), mode));
        }
        if stat.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a directory");
            look.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
    }
    found
}

#[test]
fn files_in_a_directory_of_ones_own_are_not_open_to_others() {
    // With a umask that takes nothing away, in a directory that genlock makes and in one that is
    // there, which others may look into.
    for made in [false, true] {
        let store = Store::files();
        let locks = store.path("locks");
        if made {
            std::fs::create_dir(&locks).expect("a directory");
            let looked_into = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&locks, looked_into).expect("a mode");
        }
        let free = ["sh", "-c", "umask 0; exec \"$@\"", "sh"];
        output(crate::genlock::under(&free, &store.run(&[], &["true"]))).silent(0);
        let mut open = open_to_others(&locks);
        open.retain(|(path, _)| !made || Path::new(path) != locks);
        assert_eq!(open, []);
        assert!(std::fs::read_dir(&locks).expect("files").count() > 0);
    }
}

#[test]
fn a_groups_directory_has_files_for_the_group() {
    let store = Store::files();
    let locks = store.path("locks");
    std::fs::create_dir(&locks).expect("a directory");
    std::fs::set_permissions(&locks, std::fs::Permissions::from_mode(0o770)).expect("a mode");
    let free = ["sh", "-c", "umask 0; exec \"$@\"", "sh"];
    output(crate::genlock::under(&free, &store.run(&[], &["true"]))).silent(0);
    let file = std::fs::metadata(locks.join("k.lock")).expect("the lock file");
    assert_eq!(file.permissions().mode() & 0o777, 0o660);
}

/// All that others can see of a run with these options and variables, and where.
fn shown(
    server: &Server,
    store: &Store,
    options: &[&str],
    variables: &[(&str, &str)],
) -> Vec<(String, String)> {
    let for_the_command = variables
        .iter()
        .any(|(name, _)| name.starts_with("ETCDCTL"));

    let options = [options, &["-vvv", "--ttl", "2"]].concat();
    let mut command = store.sh(&options, "env; echo ready $$; exec sleep 600");
    command.envs(variables.iter().copied());
    let run = Run::start(command);
    let command = run.ready();
    let watchdog = crate::process::watchdog(run.pid());
    let read = |path: String| {
        let bytes = std::fs::read(&path).expect("a file of /proc");
        (path, String::from_utf8_lossy(&bytes).into_owned())
    };
    let mut places: Vec<_> = [run.pid(), watchdog, command]
        .iter()
        .map(|pid| read(format!("/proc/{pid}/cmdline")))
        .collect();
    if !for_the_command {
        places.push(read(format!("/proc/{command}/environ")));
    }
    let record = server.ctl(&["get", "--prefix", &store.key]);
    assert!(record.contains("\"command\""), "{record}");
    places.push(("the record".to_owned(), record));
    run.complains("renewed, ");
    run.signal(rustix::process::Signal::TERM);
    let run = run.finish();
    assert!(run.stderr.contains("released"), "{run:?}");
    if !for_the_command {
        places.push(("stdout".to_owned(), run.text().to_owned()));
    }
    places.push(("stderr".to_owned(), run.stderr));
    places
}

#[test]
fn a_password_shows_up_nowhere() {
    const PASSWORD: &str = "secret";
    let mut server = Server::start();
    server.enable_auth();
    let store = Store::at(server.endpoint());
    let file = store.path("passwords-file");
    secret(&file, &format!("{PASSWORD}\n"));
    let config = store.path("config.toml");
    let text = format!("user = \"app\"\npassword = \"{PASSWORD}\"\n");
    std::fs::write(&config, text).expect("a file");
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    let (file, config) = (file.to_str().expect("text"), config.to_str().expect("text"));
    for (options, variables) in [
        (&["--user", "app", "--password-file", file][..], &[][..]),
        (&["--user", "app"], &[("GENLOCK_PASSWORD", PASSWORD)]),
        (&[], &[("GENLOCK_USER", "app:secret")]),
        (&["--config", config], &[]),
        // These reach the command as they are: it may have an etcdctl of its own.
        (&[], &[("ETCDCTL_USER", "app:secret")]),
        (
            &[],
            &[("ETCDCTL_USER", "app"), ("ETCDCTL_PASSWORD", PASSWORD)],
        ),
    ] {
        for (place, text) in shown(&server, &store, options, variables) {
            assert!(!text.contains(PASSWORD), "{place}: {text:?}");
        }
    }
}
