//! A line that cannot be meant is answered with the one that was.

mod habits;

use std::os::unix::fs::PermissionsExt;

use crate::genlock::{Finished, Store, genlock, output};

/// Runs `genlock` with these words, in a shell's syntax, where `./backup.sh` is a program.
fn typed(store: &Store, words: &str) -> Finished {
    let program = store.path("backup.sh");
    std::fs::write(&program, "#!/bin/sh\necho ran \"$@\"\n").expect("a program");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("its mode");
    let script = format!("exec \"$0\" {words}");
    let mut bash = crate::genlock::under(&["bash", "-c", &script], &genlock());
    bash.env("GENLOCK_ENDPOINTS", &store.endpoints);
    bash.current_dir(store.directory());
    output(bash)
}

/// Each line is refused with this status, what is wrong is named, and the right line is the end.
#[track_caller]
fn answered(status: i32, lines: &[(&str, &str, &str)]) {
    let store = Store::files();
    for (words, what, right) in lines {
        let run = typed(&store, words);
        assert_eq!(run.status.code(), Some(status), "{words}: {run:?}");
        assert_eq!(run.stdout, b"", "{words}");
        let line = run.one_line();
        assert!(line.contains(what), "{words}: {line}");
        let proposed = line.split_once("; try: genlock ").map(|(_, line)| line);
        assert_eq!(proposed, Some(*right), "{words}: {line}");
        // What is proposed runs.
        if right.ends_with("./backup.sh") {
            let run = typed(&store, right).silent(0);
            assert_eq!(run.stdout, b"ran\n");
        }
    }
}

/// Each line is refused with this status and these words, which no line could mend.
#[track_caller]
fn said(status: i32, lines: &[(&str, &str)]) {
    let store = Store::files();
    for (words, what) in lines {
        let run = typed(&store, words);
        assert_eq!(run.status.code(), Some(status), "{words}: {run:?}");
        assert_eq!(run.stdout, b"", "{words}");
        let line = run.one_line();
        assert!(line.contains(what), "{words}: {line}");
        assert!(!line.contains("; try: "), "{words}: {line}");
    }
}

#[test]
fn what_is_missing_is_filled_in() {
    answered(
        64,
        &[
            ("", "verb", "run /locks/backup -- ./backup.sh"),
            ("--", "verb", "run /locks/backup -- ./backup.sh"),
            ("run", "KEY and COMMAND", "run /locks/backup -- ./backup.sh"),
            (
                "run -n",
                "KEY and COMMAND",
                "run -n /locks/backup -- ./backup.sh",
            ),
            (
                "run --",
                "KEY and COMMAND",
                "run /locks/backup -- ./backup.sh",
            ),
            ("run /locks/x", "COMMAND is", "run /locks/x -- ./backup.sh"),
            (
                "run /locks/x --",
                "COMMAND is",
                "run /locks/x -- ./backup.sh",
            ),
            ("run -- make", "KEY is", "run /locks/make -- make"),
            (
                "run -n -- ./backup.sh",
                "KEY is",
                "run -n /locks/backup -- ./backup.sh",
            ),
            (
                "run ./backup.sh",
                "KEY is",
                "run /locks/backup -- ./backup.sh",
            ),
            (
                "run -- ./backup.sh --all",
                "KEY is",
                "run /locks/backup -- ./backup.sh --all",
            ),
            ("run -- k -- ./backup.sh", "--", "run k -- ./backup.sh"),
            ("run help", "help", "help run"),
        ],
    );
}

#[test]
fn a_verb_that_is_forgotten_or_mistyped() {
    answered(
        64,
        &[
            ("/locks/x -- cmd", "/locks/x", "run /locks/x -- cmd"),
            ("/locks/x cmd -v", "/locks/x", "run /locks/x cmd -v"),
            ("k -- cmd", "k:", "run k -- cmd"),
            ("/k cmd 'a b'", "/k:", "run /k cmd 'a b'"),
            // Without a slash it may be any word.
            ("k cmd 'a b'", "k:", "--help"),
            ("-- cmd", "verb", "run /locks/cmd -- cmd"),
            ("rum -- cmd", "rum", "run rum -- cmd"),
            ("rum k cmd", "rum", "run k cmd"),
            ("rn k cmd", "rn", "run k cmd"),
            ("RUN k cmd", "RUN", "run k cmd"),
            ("rm k", "rm", "--help"),
            ("show k", "show", "--help"),
            ("try k cmd", "try", "--help"),
            ("run -c k cmd", "-c", "run --help"),
            ("run --en k cmd", "--en", "run --help"),
            ("run --tll 20 k cmd", "--tll", "run --ttl 20 k cmd"),
            ("run -ca-file=x k cmd", "-ca-file", "run --cacert=x k cmd"),
            ("runn", "runn", "run /locks/backup -- ./backup.sh"),
            ("hlep", "hlep", "help"),
            ("help rn", "rn", "help run"),
            ("help nothing", "nothing", "help"),
            ("''", "''", "--help"),
        ],
    );
}

#[test]
fn options_that_are_misplaced_or_mistyped() {
    answered(
        64,
        &[
            ("-n k cmd", "-n", "run -n k cmd"),
            ("-w 5 k cmd", "-w", "run -w 5 k cmd"),
            (
                "--endpoints file: run k cmd",
                "--endpoints",
                "run --endpoints file: k cmd",
            ),
            ("--verzion", "--verzion", "--version"),
            ("run --trry k cmd", "--trry", "run --try k cmd"),
            ("run --wiat=5 k cmd", "--wiat", "run --wait=5 k cmd"),
            ("run -Z k cmd", "-Z", "run --help"),
            ("run k -Z cmd", "-Z", "run --help"),
            (
                "runn --trry 'a b'",
                "runn",
                "run --try 'a b' -- ./backup.sh",
            ),
            ("run -q -v k cmd", "--verbose", "run --help"),
        ],
    );
}

#[test]
fn release_with_a_key_is_called_break() {
    answered(
        64,
        &[
            (
                "release /locks/x --token 7",
                "to take a lock away it is genlock break KEY --token N",
                "break /locks/x --token 7",
            ),
            ("release k", "break KEY --token N", "break k"),
            ("release k --force", "break KEY --token N", "break --help"),
            ("unlock k --token 7", "unlock", "break k --token 7"),
        ],
    );
}

#[test]
fn what_no_line_could_mend_is_named() {
    said(
        64,
        &[
            ("run -shell k cmd", "-shell: a shell is a command"),
            ("run -monitor-retry=3 k cmd", "-monitor-retry: a renewal"),
            ("run -name=x k cmd", "-name: a holder is named"),
            ("run --ttl -1 k cmd", "--ttl -1: "),
            ("run -E -1 k cmd", " -1: "),
            ("break k --force", "--force goes only with --token"),
        ],
    );
    let store = Store::files();
    let help = typed(&store, "help").stdout;
    for words in ["help --help", "help -h"] {
        assert_eq!(typed(&store, words).silent(0).stdout, help, "{words}");
    }
}

#[test]
fn an_empty_command_is_called_so() {
    said(127, &[("run k ''", "'': the command is empty")]);
}

#[test]
fn what_is_not_surely_meant_is_not_proposed() {
    answered(
        64,
        &[
            ("run --note x k cmd", "--note", "run --help"),
            ("run --host=h k cmd", "--host", "run --help"),
            ("ls --host h", "--host", "ls --help"),
            ("help run ls", "ls: one word too many for help", "help run"),
        ],
    );
    // Help is what was asked for, and what stands behind the command is the command's.
    let store = Store::files();
    for words in ["run -h", "run -help", "run -qh k cmd", "run -nh"] {
        let run = typed(&store, words).silent(0);
        assert!(run.text().contains("genlock run"), "{words}: {run:?}");
    }
    let run = typed(&store, "run k ./backup.sh -http-addr=h -e -try=5s").silent(0);
    assert_eq!(run.text(), "ran -http-addr=h -e -try=5s");
}

#[test]
fn to_wait_and_not_to_wait() {
    let what = "--try does not wait, and --wait does: leave one of them out";
    said(
        64,
        &[
            ("run --try --wait 5 k ./backup.sh", what),
            ("run -w 5 k -n ./backup.sh", what),
            ("run -nw0 k ./backup.sh", what),
        ],
    );
    // A --try beats what the environment says.
    let store = Store::files();
    let script = "GENLOCK_WAIT=5 \"$0\" run --try k ./backup.sh";
    typed(&store, "--version").silent(0);
    let mut bash = crate::genlock::under(&["bash", "-c", script], &genlock());
    bash.env("GENLOCK_ENDPOINTS", &store.endpoints);
    bash.current_dir(store.directory());
    assert_eq!(output(bash).silent(0).text(), "ran");
}

#[test]
fn a_key_with_a_stray_blank() {
    answered(
        64,
        &[
            (
                "run ' /locks/x' cmd",
                "begins in a blank",
                "run /locks/x cmd",
            ),
            (
                "run '/locks/x ' -- cmd",
                "ends in a blank",
                "run /locks/x -- cmd",
            ),
            (
                "run $'/locks/x\\n' cmd '*'",
                "ends in a line break",
                "run /locks/x cmd '*'",
            ),
            (
                "run -- '/locks/x ' cmd",
                "'/locks/x '",
                "run -- /locks/x cmd",
            ),
            ("run ' ' cmd", "blank", "run --help"),
        ],
    );
    let store = Store::files();
    typed(&store, "run '/locks/my job' true").silent(0);
}

#[test]
fn a_command_that_is_not_found_for_a_reason() {
    answered(
        127,
        &[
            (
                "run k './backup.sh --all'",
                "one word",
                "run k ./backup.sh --all",
            ),
            ("run -n k -- 'a  b'", "one word", "run -n k -- a b"),
            ("run k 'a | b'", "shell", "run k sh -c 'a | b'"),
            ("run -- true 5", "key", "run /locks/true -- true 5"),
            ("run k backup.sh x", "directory", "run k ./backup.sh x"),
        ],
    );
    // A program may have such a name.
    let store = Store::files();
    std::fs::write(store.path("a b"), "#!/bin/sh\necho \"$@\"\n").expect("a program");
    let mode = PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(store.path("a b"), mode).expect("its mode");
    assert_eq!(typed(&store, "run k './a b'").silent(0).stdout, b"\n");
}

#[test]
fn options_between_key_and_command_are_genlocks() {
    let store = Store::files();
    let run = typed(&store, "run k -w 5 ./backup.sh -n").silent(0);
    assert_eq!(run.stdout, b"ran -n\n");
}

/// It is a key or a command's word, however it looks, for every verb; no line is proposed in which
/// it would be an option.
#[test]
fn what_stands_behind_two_dashes_is_never_an_option() {
    let store = Store::files();
    for word in ["--help", "-h", "--version", "-n", "--ttl=3", "help"] {
        let genlock = |verb: &str, words: &[&str]| {
            let mut genlock = genlock();
            genlock.args([verb, "--endpoints", &store.endpoints, "--", word]);
            genlock.args(words);
            output(genlock)
        };
        let ran = genlock("run", &["sh", "-c", "printf %s \"$GENLOCK_HELD_KEY\""]);
        assert_eq!(ran.silent(0).text(), word);
        let free = genlock("status", &[]);
        assert_eq!(free.status.code(), Some(1), "{free:?}");
        assert_eq!(free.text(), format!("{word}: free"));
        genlock("ls", &[]).silent(0);
        genlock("wait", &[]).silent(0);
    }
    answered(
        64,
        &[
            ("run -- --help -- cmd", "--", "run -- --help cmd"),
            ("run -- k -- cmd", "--", "run k -- cmd"),
        ],
    );
}
