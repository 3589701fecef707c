//! What may be shown of a setting: some have a password in them, by mistake or not.

/// A user's name. etcd's own tools have the password behind a colon.
pub(crate) fn user(name: &str) -> String {
    match name.split_once(':') {
        Some((name, _)) => format!("{name}:…"),
        None => name.to_owned(),
    }
}

/// An endpoint, or a list of them. URLs have a user and a password before an `@`, and keys and
/// tokens behind a `?`; a password may have anything in it.
pub(crate) fn endpoints(text: &str) -> String {
    let scheme = text.find("://").map_or(0, |at| at + "://".len());
    let (scheme, rest) = text.split_at(scheme);
    let (hidden, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => ("…@", rest),
        None => ("", rest),
    };
    match rest.find(['?', '#']) {
        Some(at) => format!("{scheme}{hidden}{}…", &rest[..=at]),
        None => format!("{scheme}{hidden}{rest}"),
    }
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
            ("", ""),
        ] {
            assert_eq!(endpoints(text), shown);
        }
    }
}
