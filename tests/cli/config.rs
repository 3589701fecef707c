//! The configuration: which file counts, what it may say, and whose it has to be.

mod etcdctl;
mod trust;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::genlock::{Finished, Store, bare, genlock, output, under};

/// A directory with a configuration at `name`.
struct Place {
    store: Store,
    file: PathBuf,
}

impl Place {
    fn new(name: &str, text: &str) -> Self {
        let store = Store::files();
        let file = store.path(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        std::fs::write(&file, text).expect("a file");
        // As with the usual umask, whatever ours is.
        let place = Self { store, file };
        place.mode(0o644);
        place
    }

    fn mode(&self, mode: u32) {
        std::fs::set_permissions(&self.file, Permissions::from_mode(mode)).expect("a mode");
    }

    fn directory(&self) -> &Path {
        self.store.directory()
    }

    /// Runs `env` under a lock with this file as the configuration.
    fn env(&self, options: &[&str]) -> Finished {
        output(self.named(options, &["env"]))
    }

    fn named(&self, options: &[&str], command: &[&str]) -> Command {
        let mut run = genlock();
        run.arg("run").arg("--config").arg(&self.file);
        run.args(options).arg("k").args(command);
        run
    }
}

/// A configuration of its own in a scratch directory.
fn config(text: &str) -> Place {
    Place::new("config.toml", text)
}

/// `genlock run` of `env` with nothing but what the test says.
fn unconfigured(options: &[&str]) -> Command {
    of_program(genlock(), options)
}

fn of_program(mut run: Command, options: &[&str]) -> Command {
    run.env_remove("GENLOCK_CONFIG").env_remove("HOME");
    run.arg("run").args(options).args(["k", "env"]);
    run
}

fn variable<'a>(run: &'a Finished, name: &str) -> Option<&'a str> {
    let mut lines = run.text().lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// The directory of the lock files that the run has used.
#[track_caller]
fn locks(run: &Finished) -> PathBuf {
    assert!(run.status.success(), "{run:?}");
    let key = variable(run, "GENLOCK_HELD_OWNER_KEY").expect("an owner key");
    Path::new(key).parent().expect("a directory").to_owned()
}

/// Refused as bad configuration, before anything runs.
#[track_caller]
fn refused(run: &Finished) -> &str {
    assert_eq!(run.status.code(), Some(78), "{run:?}");
    assert_eq!(run.stdout, b"");
    run.one_line()
}

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
    let mut check = |set: &dyn Fn(&mut Command), expected: &Path| {
        set(&mut run);
        let found = if has_system {
            output(under(&prefix, &run))
        } else {
            output(under(&["env"], &run))
        };
        assert_eq!(locks(&found), expected);
        let ttl = if has_system { "33" } else { "10" };
        assert_eq!(variable(&found, "GENLOCK_HELD_TTL"), Some(ttl));
    };
    let home = user.directory();
    check(
        &|run| {
            run.env("HOME", home);
        },
        &home.join(".config/genlock/of-user"),
    );
    check(
        &|run| {
            run.env("ETCDCTL_ENDPOINTS", &of_etcdctl.0);
        },
        &of_etcdctl.1,
    );
    check(
        &|run| {
            run.env("GENLOCK_ENDPOINTS", &of_genlock.0);
        },
        &of_genlock.1,
    );
    let mut run = unconfigured(&["--endpoints", &of_flag.0]);
    run.env("GENLOCK_ENDPOINTS", &of_genlock.0);
    assert_eq!(locks(&output(run)), of_flag.1);
    // An empty variable says nothing.
    let mut run = unconfigured(&[]);
    run.env("HOME", home).env("GENLOCK_ENDPOINTS", "");
    run.env("GENLOCK_CONFIG", "").env("ETCDCTL_ENDPOINTS", "");
    assert_eq!(locks(&output(run)), home.join(".config/genlock/of-user"));
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

#[test]
fn values_are_those_of_the_options() {
    for (text, name, expected) in [
        ("ttl = \"1m30s\"", "GENLOCK_HELD_TTL", "90"),
        ("ttl = 7", "GENLOCK_HELD_TTL", "7"),
        ("ttl = 7.0", "GENLOCK_HELD_TTL", "7"),
        ("\"ttl\" = '''8'''", "GENLOCK_HELD_TTL", "8"),
        ("ttl = 0x10 # a comment", "GENLOCK_HELD_TTL", "16"),
    ] {
        let place = config(&format!("{text}\nendpoints = [\"file:locks\"]\n"));
        let run = place.env(&["--no-renew"]);
        assert_eq!(variable(&run, name), Some(expected), "{text}");
        assert_eq!(locks(&run), place.directory().join("locks"));
    }
    let place = config("");
    let absolute = place.directory().join("elsewhere");
    let text = format!("endpoints = 'file:{}'", absolute.display());
    std::fs::write(&place.file, text).expect("a file");
    assert_eq!(locks(&place.env(&[])), absolute);
    for (value, shown) in [("true", false), ("false", true)] {
        let text = format!("no-record-command = {value}\nendpoints = \"file:locks\"\n");
        let place = config(&text);
        let script = "cat \"${GENLOCK_HELD_OWNER_KEY%:*}\"";
        let run = output(place.named(&[], &["sh", "-c", script])).silent(0);
        assert_eq!(run.text().contains("cat "), shown, "{run:?}");
    }
    // Several endpoints, in either form.
    for list in [
        "[\"127.0.0.1:1\", \"http://127.0.0.1:2\"]",
        "\"127.0.0.1:1, http://127.0.0.1:2\"",
    ] {
        let run = config(&format!("endpoints = {list}\ndial-timeout = 0.2\n")).env(&[]);
        assert_eq!(run.status.code(), Some(69), "{run:?}");
        let line = run.one_line();
        assert!(
            line.contains("127.0.0.1:1: ") && line.contains("http://127.0.0.1:2: "),
            "{line}"
        );
    }
    // Paths are relative to the file.
    let place = config("cacert = \"ca.pem\"\nendpoints = \"https://127.0.0.1:1\"\n");
    let ca = place.directory().join("ca.pem");
    assert!(refused(&place.env(&[])).contains(&*ca.to_string_lossy()));
}

#[test]
fn what_makes_no_sense_is_named_with_its_line() {
    for (text, line, named) in [
        ("\n\nendpoint = \"x\"", 3, "did you mean endpoints?"),
        ("kill_after = 1", 1, "did you mean kill-after?"),
        ("Ttl = 1", 1, "did you mean ttl?"),
        (
            "# etcd\n[etcd]\nttl = 1",
            2,
            "unknown key etcd: there are endpoints, ",
        ),
        ("wait = \"1m\"", 1, "wait: this is an option only"),
        ("a\u{1b}[2J = 1", 1, ""),
        ("\"a\\u001b[2J\" = 1", 1, "unknown key a\\u{1b}[2J"),
        (
            "ttl = 5\nkill-after = \"5x\"",
            2,
            "kill-after: write it as in 10s",
        ),
        ("ttl = \"1M\"", 1, "minutes"),
        ("ttl = true", 1, "ttl: a string such as \"10s\", or seconds"),
        ("ttl = -1", 1, "ttl: "),
        ("ttl = nan", 1, "ttl: "),
        ("ttl = 99999999999999999999", 1, "ttl: "),
        ("retry-interval = 0", 1, "retry-interval: it cannot be zero"),
        (
            "no-record-command = 1",
            1,
            "no-record-command: true or false",
        ),
        ("endpoints = []", 1, "endpoints: it is empty"),
        ("endpoints = [1]", 1, "endpoints: strings in an array"),
        (
            "endpoints = { a = 1 }",
            1,
            "endpoints: a string, or an array",
        ),
        ("cacert = \"\"", 1, "cacert: it is empty"),
        ("user = 5", 1, "user: a string"),
        ("user = \"ann:secret\"", 1, "password or password-file"),
        ("ttl = 5\nttl = 6", 2, "duplicate key"),
        ("ttl = 10s", 1, ""),
        ("ttl 5", 1, ""),
        ("user = \"a", 1, ""),
        ("password = secret", 1, ""),
        ("password = 5", 1, "password: a string"),
        (
            "user = \"a\"\npassword = \"secret\"\npassword-file = \"b\"",
            3,
            "only one of them",
        ),
    ] {
        let place = config(text);
        place.mode(0o600);
        let run = place.env(&["--endpoints", &place.store.endpoints]);
        let said = refused(&run);
        let place = format!("genlock: {}:{line}: ", place.file.display());
        assert!(said.starts_with(&place), "{text:?}: {said}");
        assert!(said.contains(named), "{text:?}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
    let place = config("");
    std::fs::write(&place.file, b"user = \"\xff\"").expect("a file");
    assert!(refused(&place.env(&[])).contains("UTF-8"));
}

#[test]
fn every_verb_reads_it() {
    let place = config("endpoints = \"file:locks\"\nttl = 7\nno-record-command = true\n");
    locks(&place.env(&[]));
    for (words, status) in [
        (&["status", "k"][..], 1),
        (&["ls"], 0),
        (&["wait", "k"], 0),
        (&["release", "k"], 1),
        (&["doctor", "k"], 0),
    ] {
        let mut verb = genlock();
        verb.args(words).arg("--config").arg(&place.file);
        let run = output(verb);
        assert_eq!(run.status.code(), Some(status), "{words:?}: {run:?}");
    }
    let mut verb = genlock();
    verb.args(["status", "k", "--config", "/no/such.toml"]);
    refused(&output(verb));
}

#[test]
fn times_that_do_not_fit_say_where_they_are_from() {
    let place = config("ttl = 5\n\nkill-after = 5\n");
    let run = place.env(&["--no-renew", "--endpoints", &place.store.endpoints]);
    assert_eq!(run.status.code(), Some(78), "{run:?}");
    let (said, file) = (run.one_line(), place.file.display());
    let both = format!("(kill-after in {file}:3) (ttl in {file}:1)");
    assert!(said.ends_with(&both), "{said}");
    // What the command line says needs no place, and beats it.
    let options = ["--no-renew", "--endpoints", &place.store.endpoints];
    let run = place.env(&[&options[..], &["-k", "9"]].concat());
    assert!(run.one_line().ends_with(&format!("(ttl in {file}:1)")));
    locks(&place.env(&[&options[..], &["-k", "1"]].concat()));
}

#[test]
fn the_example_has_every_key_and_each_is_good() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/config.toml");
    let text = std::fs::read_to_string(example).expect("the example");
    let settings: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains(" = "))
        .collect();
    // genlock says itself which keys there are.
    let run = config("zzz = 1").env(&[]);
    let (_, listed) = refused(&run).split_once("there are ").expect("a list");
    let keys = settings
        .iter()
        .map(|line| line.split(" = ").next().expect("a key"));
    let mut keys: Vec<_> = keys.collect();
    keys.sort_unstable();
    let mut listed: Vec<_> = listed.split(", ").collect();
    listed.sort_unstable();
    assert_eq!(keys, listed);
    // Commented it says nothing; uncommented each line is read, of password and its file one.
    for without in ["password ", "password-file "] {
        let lines = settings.iter().filter(|line| !line.starts_with(without));
        let place = config(&lines.copied().collect::<Vec<_>>().join("\n"));
        place.mode(0o600);
        locks(&place.env(&["--endpoints", &place.store.endpoints]));
    }
    let place = config(&text);
    locks(&place.env(&["--endpoints", &place.store.endpoints]));
}
