//! What Redis' errors mean: ask again, ask another server, or give up.

use super::request_error::RequestError;
use crate::error::{Error, ErrorKind, Setting, Subject};
use crate::locker::fault::Fault;

/// As much of a text is shown. Redis' are shorter.
const SHOWN: usize = 200;

/// By the word that an error of Redis' begins with.
pub(super) fn judge(error: RequestError) -> Fault {
    let text = match error {
        RequestError::Broken(why) => return Fault::broken(why),
        RequestError::Stranger(why) => return Fault::misfit(why),
        RequestError::Replica(master) => {
            let why = "it is a replica, and locks are taken at its master";
            return Fault::broken(format!("{why}, {}", shown(&master)));
        }
        RequestError::Moved(_) => {
            return Fault::broken("the key is kept by another server of the Cluster");
        }
        RequestError::Answered(text) => text,
    };
    let text = in_script(&text);
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let told = |kind, why: &str| Error::new(kind, format!("redis: {why}"));
    let denied = |why| told(ErrorKind::Denied, why);
    let away = |why: &str| Fault::Broken(told(ErrorKind::Unavailable, why));
    match word {
        "NOAUTH" => {
            let error = denied("it wants a user, which is `default` where it has a password alone");
            Fault::Refused(error.about([Setting::User]))
        }
        "WRONGPASS" => {
            let error = denied("no such user, or another password");
            Fault::Refused(error.concerning(Subject::Login))
        }
        "NOPERM" => no_right(rest),
        // Redis before 7.2, of what a script of ours asks for.
        "ERR" if rest.starts_with("The user executing the script ") => no_right(rest),
        "LOADING" => away("it still reads its data"),
        "BUSY" => away("a script of somebody's keeps it busy"),
        "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" => away(&shown(rest)),
        "NOREPLICAS" => away("too few replicas are there for what it writes"),
        "MISCONF" => away("it writes nothing, since it cannot save its data to its disk"),
        "READONLY" => away("it is a replica, and locks are taken at its master"),
        "CROSSSLOT" => {
            let why = "a Cluster keeps no lock of a key with such braces in it";
            Fault::Refused(told(ErrorKind::InvalidKey, why))
        }
        "ASK" => away("the key is on its way to another server of the Cluster"),
        "OOM" => {
            let error = told(ErrorKind::Unavailable, "its memory is full (maxmemory)");
            Fault::Refused(error.concerning(Subject::Space))
        }
        "WRONGTYPE" => Fault::Refused(told(
            ErrorKind::Unavailable,
            "somebody else uses a key that genlock has beside the lock's",
        )),
        "NOPROTO" => Fault::misfit(TOO_OLD),
        _ => match unknown(rest) {
            Some(why) => Fault::misfit(why),
            None => Fault::Refused(told(ErrorKind::Unavailable, &shown(text))),
        },
    }
}

/// What failed: Redis before 7 says that of a script's command behind where it was, as in
/// `ERR Error running script (call to f_e59c): @user_script:63: @user_script: 63: -NOREPLICAS Not …`.
fn in_script(text: &str) -> &str {
    let failed = text.strip_prefix("ERR Error running script ");
    let place = failed.and_then(|failed| failed.rsplit_once("@user_script"));
    let Some((_, behind)) = place else {
        return text;
    };
    behind.trim_start_matches(|c: char| c.is_ascii_digit() || ": -".contains(c))
}

/// The user may not do it; where a script did, its name follows.
fn no_right(why: &str) -> Fault {
    let (why, _) = why.split_once(" script: ").unwrap_or((why, ""));
    let error = Error::new(ErrorKind::Denied, format!("redis: {}", shown(why)));
    Fault::Refused(error.concerning(Subject::Permission))
}

/// HELLO came with Redis 6.
const TOO_OLD: &str = "it is older than Redis 6, which genlock needs";

/// What a server is that does not know a command, of which it shows the words.
fn unknown(text: &str) -> Option<&'static str> {
    let words = text.strip_prefix("unknown command ")?;
    match words.split(['\'', '`']).nth(1)? {
        "HELLO" => Some(TOO_OLD),
        "SENTINEL" => Some("it is no Sentinel: a Redis itself is redis://HOST:PORT"),
        "EVAL" => Some("it has no EVAL: a Sentinel is redis+sentinel://S1,S2/MASTER"),
        _ => None,
    }
}

/// Its own words, on a line.
fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_permanent_is_told_from_what_passes() {
        let judged = |text: &str| judge(RequestError::Answered(text.to_owned()));
        for text in [
            "LOADING Redis is loading the dataset in memory",
            "READONLY You can't write",
            "NOREPLICAS Not enough good replicas to write.",
            "ERR Error running script (call to f_e59c903): @user_script:63: @user_script: 63: \
             -NOREPLICAS Not enough good replicas to write.",
        ] {
            assert!(matches!(judged(text), Fault::Broken(_)), "{text}");
        }
        for (text, kind) in [
            ("NOAUTH Authentication required.", ErrorKind::Denied),
            (
                "WRONGPASS invalid username-password pair or user is disabled.",
                ErrorKind::Denied,
            ),
            (
                "NOPERM this user has no permissions to run the 'eval' command",
                ErrorKind::Denied,
            ),
            (
                "ERR The user executing the script can't run this command or subcommand script: 6e81, \
                 on @user_script:1.",
                ErrorKind::Denied,
            ),
            (
                "ERR Error running script (call to f_e59c903): @user_script:3: @user_script: 3: \
                 -NOPERM The user executing the script can't run this command or subcommand",
                ErrorKind::Denied,
            ),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                ErrorKind::Unavailable,
            ),
            (
                "CROSSSLOT Keys in request don't hash to the same slot",
                ErrorKind::InvalidKey,
            ),
            ("ERR something else", ErrorKind::Unavailable),
        ] {
            let fault = judged(text);
            assert!(matches!(fault, Fault::Refused(_)), "{text}");
            assert_eq!(Error::from(fault).kind(), kind);
        }
        for text in [
            "ERR unknown command `HELLO`, with args beginning with: `3`,",
            "ERR unknown command 'SENTINEL', with args beginning with: 'GET-MASTER-ADDR-BY-NAME'",
        ] {
            assert!(matches!(judged(text), Fault::Misfit(_)), "{text}");
        }
        let other = judged("ERR unknown command 'PUBLISH', with args beginning with: 'HELLO'");
        assert!(matches!(other, Fault::Refused(_)));
    }
}
