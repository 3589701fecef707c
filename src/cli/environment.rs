//! Environment variables: which ones genlock reads, and what the command's environment is.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use crate::Held;
use crate::locker::Variable;
use crate::stores::STORES;

/// Variables that tell the command which lock is held, for any store. In a genlock within a genlock all
/// of the outer one's are removed first, so that the command never sees a mixture of both.
const HELD: &[&str] = &[
    KEY, KEYS, TOKEN, INDEX, TTL, OWNER_KEY, OWNER_KEYS, ENDPOINTS, SOCKET,
];
/// The key as it was asked for.
const KEY: &str = "GENLOCK_HELD_KEY";
/// All keys, of several.
const KEYS: &str = "GENLOCK_HELD_KEYS";
/// Which of several holders it is.
const INDEX: &str = "GENLOCK_HELD_INDEX";
/// The fencing token.
const TOKEN: &str = "GENLOCK_HELD_TOKEN";
/// The granted TTL, in seconds.
pub(super) const TTL: &str = "GENLOCK_HELD_TTL";
/// The key that stands for the holder in the store.
const OWNER_KEY: &str = "GENLOCK_HELD_OWNER_KEY";
/// The owner keys of this genlock and of those that it runs below, as a JSON array of strings, the
/// outermost first: by it a nested genlock sees that it would wait for itself.
const OWNER_KEYS: &str = "GENLOCK_HELD_OWNER_KEYS";
/// The store that keeps the lock, as `--endpoints` takes it: `genlock check` asks there if the
/// genlock that runs it does not answer.
pub(super) const ENDPOINTS: &str = "GENLOCK_HELD_ENDPOINTS";
/// Where the genlock that runs the command answers `genlock check`.
const SOCKET: &str = "GENLOCK_HELD_SOCKET";
/// Labels of the holder's record, with commas between.
pub(super) const LABEL: &str = "GENLOCK_LABEL";
/// The password, from the environment.
pub(super) const PASSWORD: &str = "GENLOCK_PASSWORD";
/// The error for a password on the command line.
pub(super) const PASSWORD_SEEN: &str = "a password on the command line can be read by everyone \
    (ps): use --password-file or $GENLOCK_PASSWORD";
/// The file that has the password.
const PASSWORD_FILE: &str = "GENLOCK_PASSWORD_FILE";
/// The password, as etcdctl calls it.
pub(super) const ETCDCTL_PASSWORD: &str = "ETCDCTL_PASSWORD";

/// Variables of the form `name:password`, as etcdctl takes them.
pub(super) const USER: [&str; 2] = ["GENLOCK_USER", ETCDCTL_USER];
/// The one of [`USER`] that etcdctl reads.
pub(super) const ETCDCTL_USER: &str = "ETCDCTL_USER";

/// The command's environment, but for what is [`added`] when the lock is held: genlock's own, without
/// the passwords in GENLOCK_ variables. ETCDCTL_ variables stay, since the command may use etcdctl.
pub(super) fn for_command() -> impl Iterator<Item = (OsString, OsString)> {
    // The password is in a file: a colon in GENLOCK_USER is part of the name.
    let apart = variable(PASSWORD_FILE).is_some();
    std::env::vars_os().filter_map(move |(name, value)| {
        let is = |other: &&str| name == OsStr::new(other);
        if HELD.iter().chain(of_stores()).any(is) || is(&PASSWORD) {
            return None;
        }
        if !is(&USER[0]) || apart {
            return Some((name, value));
        }
        // Whether a password follows the colon is known only when the settings are read, after this:
        // the variable is left out here, and added as [`left_out_user`].
        let is_open = value.to_str().is_some_and(|user| user.contains(':'));
        (!is_open).then(|| (name, without_password(value)))
    })
}

/// The variables that stores add for a command, such as ETCD_LOCK_KEY.
fn of_stores() -> impl Iterator<Item = &'static &'static str> {
    let all = STORES.iter().flat_map(|kind| kind.variables);
    all.map(|(name, _)| name)
}

/// `GENLOCK_USER` for the command, if [`for_command`] has left it out: all of it if `whole`, since the
/// colon is part of the name, and else only the name before the colon.
pub(super) fn left_out_user(whole: bool) -> Option<String> {
    let user = variable(USER[0]).filter(|_| variable(PASSWORD_FILE).is_none())?;
    let (name, _) = user.split_once(':')?;
    Some(if whole { user } else { name.to_owned() })
}

fn without_password(user: OsString) -> OsString {
    let name = user.as_bytes().split(|&byte| byte == b':').next();
    OsString::from_vec(name.unwrap_or_default().to_vec())
}

/// The variables that tell the command which lock is held.
pub(super) fn added(
    held: &Held,
    endpoints: &str,
    socket: Option<&str>,
    user: Option<&str>,
) -> Vec<Variable> {
    let mut variables = vec![
        (KEY, held.key().to_owned()),
        (TOKEN, held.token().to_string()),
        (ENDPOINTS, endpoints.to_owned()),
    ];
    if let Some(socket) = socket {
        variables.push((SOCKET, socket.to_owned()));
    }
    if let Some(user) = user {
        variables.push((USER[0], user.to_owned()));
    }
    if let Some(ttl) = held.ttl() {
        variables.push((TTL, ttl.as_secs().to_string()));
    }
    if let Some(owner_key) = held.owner_key() {
        variables.push((OWNER_KEY, owner_key.to_owned()));
    }
    let grants = held.grants();
    if let Some(index) = grants[0].index {
        variables.push((INDEX, index.to_string()));
    }
    if grants.len() > 1 {
        let keys = grants.iter().map(|grant| in_list(&grant.key));
        variables.push((KEYS, keys.collect::<Vec<_>>().join(" ")));
    }
    let mut owner_keys = outer_owner_keys();
    for own in grants.iter().filter_map(|grant| grant.owner_key.clone()) {
        // Under `run --held` it is among them.
        if !owner_keys.contains(&own) {
            owner_keys.push(own);
        }
    }
    // An array of strings always serialises.
    variables.push((
        OWNER_KEYS,
        serde_json::to_string(&owner_keys).unwrap_or_default(),
    ));
    let own = variables.into_iter();
    let own = own.map(|(name, value)| (Cow::Borrowed(name), value));
    own.chain(held.variables().iter().cloned()).collect()
}

/// A key among several with spaces between: what a list cannot have in it is `%XX`.
fn in_list(key: &str) -> String {
    let mut listed = String::with_capacity(key.len());
    for character in key.chars() {
        match character {
            ' ' | '%' => listed.push_str(&format!("%{:02X}", u32::from(character))),
            control if control.is_control() => {
                let mut bytes = [0; 4];
                for byte in control.encode_utf8(&mut bytes).bytes() {
                    listed.push_str(&format!("%{byte:02X}"));
                }
            }
            other => listed.push(other),
        }
    }
    listed
}

/// A variable's text, if it is set and not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The lock under which we run: genlock started us as its command, or as a part of it.
#[derive(Clone)]
pub(super) struct Around {
    pub(super) key: String,
    pub(super) token: u64,
    pub(super) owner_key: String,
    /// The same of its other keys, where it has several.
    pub(super) other_owner_keys: Vec<String>,
    /// Which of several holders it is.
    pub(super) index: Option<u32>,
    /// `None` where locks do not expire.
    pub(super) ttl: Option<Duration>,
    pub(super) socket: Option<String>,
}

impl Around {
    /// The error where it is not held any more.
    pub(super) fn lost(&self) -> crate::Error {
        let why = format!("the lock is not ours any more (token {})", self.token);
        crate::Error::new(crate::ErrorKind::OwnershipLost, why).of_key(&self.key)
    }

    /// The innermost of them; `None` if we do not run under a lock.
    pub(super) fn us() -> Option<Self> {
        let owner_key = variable(OWNER_KEY)?;
        Some(Self {
            key: variable(KEY)?,
            token: variable(TOKEN)?.parse().ok()?,
            other_owner_keys: others(&owner_key),
            owner_key,
            index: variable(INDEX).and_then(|index| index.parse().ok()),
            ttl: variable(TTL)
                .and_then(|ttl| ttl.parse().ok())
                .map(Duration::from_secs),
            socket: variable(SOCKET),
        })
    }
}

/// The owner keys of the other keys of the innermost lock, the first of which is this. They stand together.
fn others(first: &str) -> Vec<String> {
    let keys = variable(KEYS).map_or(1, |keys| keys.split(' ').count());
    let all = outer_owner_keys().into_iter();
    let own = all.skip_while(|owner_key| owner_key != first);
    own.take(keys).skip(1).collect()
}

/// What was added for the command that we are a part of by the store, and for several keys.
pub(super) fn of_store_around() -> impl Iterator<Item = Variable> {
    let all = of_stores().chain([&KEYS]);
    all.filter_map(|&name| Some((Cow::Borrowed(name), variable(name)?)))
}

/// The owner keys of all locks under which we run, the outermost first.
pub(super) fn outer_owner_keys() -> Vec<String> {
    let text = variable(OWNER_KEYS);
    let keys = text.and_then(|text| serde_json::from_str(&text).ok());
    keys.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_keys_can_be_taken_apart() {
        assert_eq!(in_list("/locks/ä.b"), "/locks/ä.b");
        assert_eq!(in_list("a b%\n\u{85}"), "a%20b%25%0A%C2%85");
    }
}
