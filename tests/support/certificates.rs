//! Certificates for a server and its clients, made by openssl(1).

use std::path::Path;
use std::process::Command;

/// Two authorities; of the first, a server at 127.0.0.1 and a client named `app`.
pub(super) fn certificates(dir: &Path) {
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(dir).output();
        let output = output.expect("openssl");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {args:?}: {errors}");
    };
    let new_key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    for name in ["ca", "other-ca"] {
        let (key, cert) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        let mut args = vec!["req", "-x509", "-days", "2", "-subj", &subject];
        args.extend(new_key);
        args.extend(["-keyout", &key, "-out", &cert]);
        openssl(&args);
    }
    for (name, extension) in [
        (
            "server",
            "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n",
        ),
        ("client", "extendedKeyUsage=clientAuth\n"),
    ] {
        let (key, request, cert) = (
            format!("{name}.key"),
            format!("{name}.csr"),
            format!("{name}.pem"),
        );
        let extensions = format!("{name}.ext");
        std::fs::write(dir.join(&extensions), extension).expect("a file");
        let subject = if name == "client" {
            "/CN=app"
        } else {
            "/CN=server"
        };
        let mut args = vec!["req", "-subj", subject];
        args.extend(new_key);
        args.extend(["-keyout", &key, "-out", &request]);
        openssl(&args);
        openssl(&[
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            &extensions,
            "-out",
            &cert,
        ]);
    }
}
