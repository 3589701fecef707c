//! Certificates for a server and its clients, made by openssl(1).

use std::path::Path;
use std::process::Command;

/// What kind of keys they have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keys {
    #[default]
    P256,
    P384,
    P521,
    Ed25519,
    /// With so many bits.
    Rsa(u32),
}

/// What a server shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shows {
    /// A certificate of an authority's: `server.pem`. It wants its clients to have one too.
    #[default]
    Signed,
    /// One that is its own authority: `self.pem`.
    SelfSigned,
    /// One of X.509's first version, which cannot name hosts: `old.pem`.
    Old,
    /// What etcd makes of itself, with --auto-tls.
    Automatic,
}

/// In `dir`: two authorities; of the first, a server at 127.0.0.1 and a client named `app`.
pub(super) fn certificates(dir: &Path, keys: Keys) {
    authority(dir, "ca", keys, &[]);
    authority(dir, "other-ca", Keys::default(), &[]);
    let names = "subjectAltName=IP:127.0.0.1";
    let both = format!("{names}\nextendedKeyUsage=serverAuth,clientAuth\n");
    signed(dir, "server", "server", keys, &both);
    signed(dir, "client", "app", keys, "extendedKeyUsage=clientAuth\n");
}

/// What else a server may show, in `dir`.
pub(super) fn shown(dir: &Path, shows: Shows, keys: Keys) {
    match shows {
        Shows::SelfSigned => {
            let names = ["-addext", "subjectAltName=IP:127.0.0.1"];
            authority(dir, "self", keys, &names);
        }
        Shows::Old => signed(dir, "old", "old", keys, ""),
        Shows::Signed | Shows::Automatic => {}
    }
}

/// `NAME.pem`, signed by its own `NAME.key`.
fn authority(dir: &Path, name: &str, keys: Keys, more: &[&str]) {
    let subject = format!("/CN={name}");
    let (key, cert) = (format!("{name}.key"), format!("{name}.pem"));
    let args = ["req", "-x509", "-days", "2", "-subj", &subject];
    let files = ["-keyout", &key, "-out", &cert];
    openssl(dir, &[&args, &keys.made_by()[..], &files, more].concat());
}

/// `NAME.pem` for `NAME.key`, signed by `ca`. Without extensions it is of X.509's first version.
pub(crate) fn signed(dir: &Path, name: &str, subject: &str, keys: Keys, extensions: &str) {
    let subject = format!("/CN={subject}");
    let [key, request, cert, file] =
        ["key", "csr", "pem", "ext"].map(|kind| format!("{name}.{kind}"));
    let new = ["req", "-subj", &subject, "-keyout", &key, "-out", &request];
    openssl(dir, &[&new, &keys.made_by()[..]].concat());
    let sign = [
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        &request,
        "-out",
        &cert,
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
    ];
    let mut sign = sign.to_vec();
    if !extensions.is_empty() {
        std::fs::write(dir.join(&file), extensions).expect("a file");
        sign.extend(["-extfile", &file]);
    }
    openssl(dir, &sign);
}

impl Keys {
    /// What `openssl req` makes such a key by.
    fn made_by(self) -> Vec<&'static str> {
        let mut args = vec!["-nodes", "-newkey"];
        args.extend(match self {
            Self::P256 => &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"][..],
            Self::P384 => &["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"],
            Self::P521 => &["ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"],
            Self::Ed25519 => &["ed25519"],
            Self::Rsa(1024) => &["rsa:1024"],
            Self::Rsa(2048) => &["rsa:2048"],
            Self::Rsa(3072) => &["rsa:3072"],
            Self::Rsa(4096) => &["rsa:4096"],
            Self::Rsa(other) => panic!("no test has RSA keys of {other} bits"),
        });
        args
    }
}

/// Runs openssl(1) in `dir`; it has to succeed.
pub(crate) fn openssl(dir: &Path, args: &[&str]) {
    let output = Command::new("openssl").args(args).current_dir(dir).output();
    let output = output.expect("openssl");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {args:?}: {errors}");
}
