//! What the file may say.

use std::path::Path;

use super::{config, locks, refused, variable};
use crate::genlock::output;

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

/// What a file says, the line of its fault, and what is said of it.
const NONSENSE: [(&str, u32, &str); 28] = [
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
];

#[test]
fn what_makes_no_sense_is_named_with_its_line() {
    for (text, line, named) in NONSENSE {
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
