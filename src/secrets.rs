//! What may be shown of a setting: some have a password in them, by mistake or not.

/// A user's name. etcd's own tools have the password behind a colon.
#[cfg(any(test, feature = "net"))]
pub(crate) fn user(name: &str) -> String {
    match name.split_once(':') {
        Some((name, _)) => format!("{name}:…"),
        None => name.to_owned(),
    }
}

/// An endpoint, or a list of them. URLs have a user and a password before an `@`, and keys and
/// tokens behind a `?`; a password may have anything in it.
pub(crate) fn endpoints(text: &str) -> String {
    let of_path = ["file:", "unix:"].into_iter().find(|scheme| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let scheme = match (text.find("://"), of_path) {
        (Some(at), _) => at + "://".len(),
        (None, scheme) => scheme.map_or(0, str::len),
    };
    let (scheme, rest) = text.split_at(scheme);
    if of_path.is_some() {
        return format!("{scheme}{}", path(rest));
    }
    let (hidden, rest) = match behind_user(rest) {
        Some((_, rest)) => ("…@", rest),
        None => ("", rest),
    };
    match rest.find(['?', '#']) {
        Some(at) => format!("{scheme}{hidden}{}…", &rest[..=at]),
        None => format!("{scheme}{hidden}{rest}"),
    }
}

/// One endpoint of a list. Where there is a user in any of them it is all of them: a password with a comma
/// was cut in two, and its first half has no `@` behind it.
pub(crate) fn one_of(list: &[String], one: &str) -> String {
    match list.iter().any(|each| behind_user(each).is_some()) {
        true => endpoints(&list.join(",")),
        false => endpoints(one),
    }
}

/// The path of a directory or socket, which was written as an endpoint: there may be a user with a
/// password in it, or another endpoint's behind a comma. An `@` alone is part of the path.
pub(crate) fn path(text: &str) -> String {
    match behind_user(text) {
        Some((user, rest)) if !user.starts_with('/') || user.contains([':', ',']) => {
            format!("…@{rest}")
        }
        _ => text.to_owned(),
    }
}

/// What stands before the last `@`, and what behind it. The `@` may be written as `%40`, as URLs have
/// it inside of a password.
fn behind_user(text: &str) -> Option<(&str, &str)> {
    let encoded = text.rsplit_once("%40");
    let plain = text.rsplit_once('@');
    [encoded, plain]
        .into_iter()
        .flatten()
        .max_by_key(|(before, _)| before.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_shown_and_passwords_are_not() {
        assert_eq!(user("app"), "app");
        assert_eq!(user("app:secret:more"), "app:…");
        for (text, shown) in [
            ("a:1,b:2", "a:1,b:2"),
            ("https://[::1]:2379", "https://[::1]:2379"),
            ("http://u:secret@h:1", "http://…@h:1"),
            ("u:se/cr@et@h:1", "…@h:1"),
            ("http://u:s@h,http://u:s@i", "http://…@i"),
            ("https://h:1/?token=secret", "https://h:1/?…"),
            ("http://u:secret%40h:1", "http://…@h:1"),
            ("http://u:se%40cret@h:1", "http://…@h:1"),
            ("u:se@cret%40h:1", "…@h:1"),
            ("unix://u:secret@/x", "unix://…@/x"),
            ("UNIX:u:secret@/x", "UNIX:…@/x"),
            ("file:u:secret@/x", "file:…@/x"),
            ("file:/etc/u:secret@/x", "file:…@/x"),
            ("unix:///run/x,secret@h:1", "unix://…@h:1"),
            ("file:/tmp,http://u:secret@h", "file:/tmp,http://…@h"),
            ("unix:///run/a@b", "unix:///run/a@b"),
            ("file:", "file:"),
            ("", ""),
        ] {
            assert_eq!(endpoints(text), shown);
        }
    }
}
