//! Certificates, users, and what they may do.

use super::{doctor, examined, json, says};
use crate::genlock::{genlock, output};
use crate::support::certificates::openssl;
use crate::support::etcd::{Server, Setup};

fn with_tls() -> Server {
    Server::with(Setup {
        tls: true,
        ..Setup::default()
    })
}

/// The options for the client's certificate, and for who signed the server's.
fn credentials(server: &Server) -> [[String; 2]; 3] {
    let option = |name: &str, file: &str| {
        let path = server.file(file);
        [name.to_owned(), path.to_str().expect("a path").to_owned()]
    };
    [
        option("--cert", "client.pem"),
        option("--key", "client.key"),
        option("--cacert", "ca.pem"),
    ]
}

#[test]
fn tls_whose_certificate_and_whom_we_trust() {
    let server = with_tls();
    let all = credentials(&server).concat();
    let right: Vec<&str> = all.iter().map(String::as_str).collect();
    let ours = &right[..4];
    let endpoint = server.endpoint();
    let run = examined(doctor(&endpoint, &right), 0);
    let shows = [
        &*endpoint,
        "shows the certificate \"server\" for 127.0.0.1",
        "by \"ca\"",
        "until 2",
    ];
    says(&run, "ok", "tls", &shows);
    says(
        &run,
        "ok",
        "tls",
        &["we show the certificate \"app\"", "by \"ca\""],
    );
    let found = json(doctor(&endpoint, &right), 0);
    let certificate = &found["endpoints"][0]["certificate"];
    assert_eq!(certificate["names"][0], "127.0.0.1");
    assert_eq!(certificate["issuer"], "ca");
    // Whom it does not trust it still names, and where the wrong authority was set.
    let mut wrong = doctor(&endpoint, ours);
    wrong.env("ETCDCTL_CACERT", server.file("other-ca.pem"));
    let run = examined(wrong, 78);
    let texts = [
        "not signed by an authority known here",
        "authority known here ($ETCDCTL_CACERT)",
        "the authority that signed it, \"ca\", in --cacert ($ETCDCTL_CACERT)",
    ];
    says(&run, "wrong", "endpoint", &texts);
    says(&run, "ok", "tls", &["\"server\"", "by \"ca\""]);
    let careless = [ours, &["--insecure-skip-tls-verify"]].concat();
    let run = examined(doctor(&endpoint, &careless), 0);
    let texts = ["not checked who the server is", "--cacert"];
    says(&run, "warn", "tls", &texts);
}

#[test]
fn what_of_tls_is_missing_or_wrong() {
    let server = with_tls();
    let all = credentials(&server).concat();
    let right: Vec<&str> = all.iter().map(String::as_str).collect();
    let endpoint = server.endpoint();
    let run = examined(doctor(&endpoint, &right[4..]), 77);
    says(
        &run,
        "wrong",
        "endpoint",
        &[
            "it wants a client certificate (--cert, --key)",
            "etcd's --trusted-ca-file",
        ],
    );
    let elsewhere = endpoint.replace("127.0.0.1", "localhost");
    let run = examined(doctor(&elsewhere, &right), 78);
    let texts = ["is not for this name", "it is for 127.0.0.1: use that in"];
    says(&run, "wrong", "endpoint", &texts);
    let run = examined(doctor(&endpoint, &["--cacert", "/no/such.pem"]), 78);
    says(
        &run,
        "wrong",
        "config",
        &["/no/such.pem: no such file or directory (--cacert)"],
    );
}

#[test]
fn a_client_certificate_that_has_expired() {
    let server = Server::with(Setup {
        tls: true,
        ..Setup::default()
    });
    let directory = server.file("client.csr");
    let directory = directory.parent().expect("a directory");
    let request = ["x509", "-req", "-in", "client.csr", "-out", "over.pem"];
    let signed = ["-days", "-1", "-CA", "ca.pem", "-CAkey", "ca.key"];
    openssl(directory, &[&request[..], &signed].concat());
    let path = |name: &str| server.file(name).to_str().expect("a path").to_owned();
    let (ca, cert, key) = (path("ca.pem"), path("over.pem"), path("client.key"));
    let options = ["--cacert", &ca, "--cert", &cert, "--key", &key];
    let text = format!("it refused the client certificate (--cert, --key): {cert} has expired");
    let run = examined(doctor(&server.endpoint(), &options), 77);
    says(&run, "wrong", "endpoint", &[&text]);
    let mut run = genlock();
    run.args(["run", "--endpoints", &server.endpoint()]);
    run.args(options).args(["k", "true"]);
    let run = output(run);
    assert_eq!(run.status.code(), Some(77), "{run:?}");
    assert!(run.stderr.contains("over.pem has expired"), "{run:?}");
}

#[test]
fn a_user_by_certificate() {
    let mut server = Server::with(Setup {
        tls: true,
        ..Setup::default()
    });
    server.enable_auth();
    let path = |name: &str| server.file(name).to_str().expect("a path").to_owned();
    let options = [
        ["--cert", &path("client.pem")],
        ["--key", &path("client.key")],
        ["--cacert", &path("ca.pem")],
    ];
    let found = json(doctor(&server.endpoint(), &options.concat()), 0);
    assert_eq!(
        (&found["auth"], &found["user"]),
        (&true.into(), &"app".into())
    );
    let other = [&options.concat()[..], &["/other/"]].concat();
    let run = examined(doctor(&server.endpoint(), &other), 77);
    says(&run, "ok", "auth", &["\"app\" by our certificate"]);
    says(&run, "wrong", "rights", &["cannot write below /other/"]);
}

#[test]
fn what_a_user_may_do() {
    let mut server = Server::start();
    server.enable_auth();
    let as_user = |password: &str, options: &[&str]| {
        let mut doctor = doctor(&server.endpoint(), &["--user", "app"]);
        doctor.args(options).env("GENLOCK_PASSWORD", password);
        doctor
    };
    let run = examined(as_user("secret", &[]), 0);
    says(&run, "ok", "auth", &["logged in as \"app\""]);
    says(&run, "ok", "rights", &["write below /locks/"]);
    says(
        &run,
        "set",
        "password",
        &["(not shown)", "$GENLOCK_PASSWORD"],
    );
    assert!(!run.text().contains("secret"), "{}", run.text());
    let found = json(as_user("secret", &["/locks/x"]), 0);
    assert_eq!(
        (&found["auth"], &found["user"]),
        (&true.into(), &"app".into())
    );
    assert!(!found.to_string().contains("secret"), "{found}");
    // A right to read is none to write.
    server.ctl(&[
        "role",
        "grant-permission",
        "locks",
        "--prefix=true",
        "read",
        "/seen/",
    ]);
    let run = examined(as_user("secret", &["/seen/"]), 77);
    says(&run, "ok", "rights", &["read below /seen/"]);
    let texts = [
        "cannot write below /seen/",
        "permission denied",
        "grant-permission",
    ];
    says(&run, "wrong", "rights", &texts);
    let found = json(as_user("secret", &["/other/"]), 77);
    assert_eq!(found["rights"]["read"], false);
    assert_eq!(found["rights"]["write"], false);
    assert_eq!(found["rights"]["lease"], true);
    assert_eq!(server.keys(), [""; 0]);
    assert_eq!(server.leases(), [""; 0]);
}

#[test]
fn a_user_who_is_not_let_in() {
    let mut server = Server::start();
    server.enable_auth();
    let mut wrong = doctor(&server.endpoint(), &["--user", "app"]);
    wrong.env("GENLOCK_PASSWORD", "wrong");
    let run = examined(wrong, 77);
    let texts = [
        "cannot log in as \"app\"",
        "authentication failed",
        "--user or the password",
    ];
    says(&run, "wrong", "auth", &texts);
    // How it is reached is found all the same.
    says(&run, "ok", "endpoint", &["a read takes"]);
    let run = examined(doctor(&server.endpoint(), &[]), 77);
    says(&run, "wrong", "auth", &["wants a user", "--user"]);
    let run = examined(doctor(&server.endpoint(), &["--user", "app"]), 78);
    says(&run, "wrong", "config", &["user app: no password"]);
}

#[test]
fn a_user_where_nobody_logs_in() {
    let server = Server::start();
    let mut doctor = doctor(&server.endpoint(), &["--user", "app"]);
    doctor.env("GENLOCK_PASSWORD", "secret");
    let run = examined(doctor, 0);
    says(
        &run,
        "warn",
        "auth",
        &["the user \"app\" is of no use", "auth enable"],
    );
}

#[test]
fn a_password_in_clear_to_another_host() {
    // Of documentation's own addresses (RFC 5737, RFC 3849): nobody has them.
    for (endpoint, warned) in [
        ("http://192.0.2.1:1", true),
        ("192.0.2.1:1", true),
        ("http://[2001:db8::1]:1", true),
        ("https://192.0.2.1:1", false),
        ("http://127.0.0.2:1", false),
        ("http://localhost:1", false),
        ("http://[::1]:1", false),
    ] {
        let mut run = doctor(endpoint, &["--user", "app", "--dial-timeout", "0.1"]);
        run.env("GENLOCK_PASSWORD", "secret");
        let run = output(run);
        let line = format!("{endpoint}: the password is sent without TLS; use https://");
        let found = run.text().lines().any(|said| said.ends_with(&line));
        assert_eq!(found, warned, "{run:?}");
    }
}
