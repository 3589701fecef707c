//! What other tools call it.

use super::{answered, said};

#[test]
fn the_habits_of_other_tools() {
    answered(
        64,
        &[
            ("lock /locks/x cmd", "lock", "run /locks/x cmd"),
            (
                "lock --ttl 20 /locks/x",
                "lock",
                "run --ttl 20 /locks/x -- ./backup.sh",
            ),
            ("lock -- cmd", "lock", "run lock -- cmd"),
            ("version", "version", "--version"),
            ("run --timeout 5 k cmd", "--timeout", "run --wait 5 k cmd"),
            ("run --nonblock k cmd", "--nonblock", "run --try k cmd"),
            ("run k -c 'a | b'", "-c", "run k -- sh -c 'a | b'"),
            (
                "-x -w 5 k -c 'a | b'",
                "-x",
                "run -x -w 5 k -- sh -c 'a | b'",
            ),
        ],
    );
}

#[test]
fn the_habits_of_flock() {
    answered(
        64,
        &[
            ("run -en k cmd", "-e: a lock is", "run -n k cmd"),
            ("-en k cmd", "-en", "run -n k cmd"),
            ("run -exw5 k cmd", "-e: a lock is", "run -xw5 k cmd"),
            ("run -xe k cmd", "-e: a lock is", "run -x k cmd"),
            ("run -o k cmd", "-o: what a command leaves", "run k cmd"),
            ("run -qo k cmd", "-o: what a command leaves", "run -q k cmd"),
            ("run -F k cmd", "-F: genlock stays", "run k cmd"),
            (
                "run --no-fork k cmd",
                "--no-fork: genlock stays",
                "run k cmd",
            ),
            // The form with a descriptor.
            ("9", "9: not a verb", "run /locks/backup -- ./backup.sh"),
            (
                "run 9",
                "9: a lock is held",
                "run /locks/backup -- ./backup.sh",
            ),
            (
                "run -n 9",
                "9: a lock is held",
                "run -n /locks/backup -- ./backup.sh",
            ),
            (
                "run -x 9",
                "9: a lock is held",
                "run -x /locks/backup -- ./backup.sh",
            ),
        ],
    );
    said(
        64,
        &[
            (
                "run -u k cmd",
                "-u: a lock is free when its command has ended",
            ),
            ("run -nu 9", "-u: a lock is free when its command has ended"),
        ],
    );
}

#[test]
fn the_habits_of_consul() {
    let dashes = "a long option has two dashes";
    let consul = "-http-addr: that is for consul";
    answered(
        64,
        &[
            (
                "acquire k cmd -v",
                "cmd: acquire takes no command",
                "run k cmd -v",
            ),
            (
                "run -child-exit-code k cmd",
                "the status is that of the command",
                "run k cmd",
            ),
            ("lock -pass-stdin k cmd", "lock", "run k cmd"),
            ("run -try=5s k cmd", "--wait does", "run --wait=5s k cmd"),
            ("run --try=5s k cmd", "--wait does", "run --wait=5s k cmd"),
            ("run -try 5s k cmd", "--wait does", "run --wait 5s k cmd"),
            ("run -try k cmd", dashes, "run --try k cmd"),
            ("run -ttl=20s k cmd", dashes, "run --ttl=20s k cmd"),
            ("run -wait=5 k cmd", dashes, "run --wait=5 k cmd"),
            ("run -verbose k cmd", dashes, "run --verbose k cmd"),
            ("run -hello k cmd", "-hello: no such option", "run --help"),
            ("run -n=1 k cmd", "a lock is exclusive", "run k cmd"),
            (
                "run -n=3 k cmd",
                "takes no number",
                "run --max-holders=3 k cmd",
            ),
            ("lock -n=3 k cmd", "lock", "run --max-holders=3 k cmd"),
            ("status -try k", "-t: no such option", "status --help"),
        ],
    );
    said(
        64,
        &[
            ("run -http-addr=h:8500 k cmd", consul),
            ("ls -http-addr=h:8500", consul),
            ("-n 3 k cmd", "-n: this is --try, and takes no number"),
        ],
    );
    answered(
        127,
        &[("run -n 3 k cmd", "-n takes no number", "run -n k cmd")],
    );
}
