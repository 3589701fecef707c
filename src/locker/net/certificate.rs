//! What a certificate says of itself: whose it is, and until when.
//!
//! Only as much of X.509 (RFC 5280) is read as is needed here. No signature is checked: that, and whom
//! to trust, is in tls/trust.rs.

use std::net::IpAddr;
use std::time::SystemTime;

/// Whose a certificate is, and when it is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// Its common name; empty if it has none. As it is written there: escape it.
    pub subject: String,
    /// The names and addresses that it is for. As they are written there: escape them.
    pub names: Vec<String>,
    /// The common name of who signed it; empty if it has none. Escape it.
    pub issuer: String,
    /// From when it is valid.
    pub from: SystemTime,
    /// Until when it is valid.
    pub until: SystemTime,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]` and `[3]` of a TBSCertificate.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// `[2]` and `[7]` of a GeneralName.
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// id-ce-subjectAltName, 2.5.29.17.
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// rsaEncryption, 1.2.840.113549.1.1.1.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

impl Certificate {
    /// Reads DER; `None` if it is malformed.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let mut body = from_issuer(der)?;
        let issuer = common_name(body.expect(SEQUENCE)?);
        let mut validity = Der(body.expect(SEQUENCE)?);
        let (from, until) = (time(validity.next()?)?, time(validity.next()?)?);
        let subject = common_name(body.expect(SEQUENCE)?);
        let mut names = Vec::new();
        while let Some((tag, content)) = body.next() {
            if tag == EXTENSIONS {
                names = alternative_names(content).unwrap_or_default();
            }
        }
        Some(Self {
            subject,
            names,
            issuer,
            from,
            until,
        })
    }
}

/// The public key of a certificate.
pub(crate) struct PublicKey<'a> {
    /// The content of its AlgorithmIdentifier.
    pub(crate) algorithm: &'a [u8],
    /// The key itself, in the form of its algorithm.
    pub(crate) key: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads the key of a certificate in DER; `None` if that is malformed.
    pub(crate) fn of_certificate(der: &'a [u8]) -> Option<Self> {
        let mut body = from_issuer(der)?;
        // Past issuer, validity and subject.
        for _ in 0..3 {
            body.next()?;
        }
        Self::content(body.expect(SEQUENCE)?)
    }

    /// Reads a SubjectPublicKeyInfo in DER.
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        Self::content(Der(der).expect(SEQUENCE)?)
    }

    fn content(content: &'a [u8]) -> Option<Self> {
        let mut parts = Der(content);
        let algorithm = parts.expect(SEQUENCE)?;
        // The first byte says how many bits of the last one are unused: always 0.
        let key = parts.expect(BIT_STRING)?.strip_prefix(&[0])?;
        Some(Self { algorithm, key })
    }

    /// The length of an RSA key; `None` of any other.
    pub(crate) fn rsa_bits(&self) -> Option<usize> {
        (Der(self.algorithm).expect(OBJECT_IDENTIFIER)? == RSA).then_some(())?;
        let modulus = Der(Der(self.key).expect(SEQUENCE)?).expect(INTEGER)?;
        let zeros = modulus.iter().take_while(|&&byte| byte == 0).count();
        Some((modulus.len() - zeros) * 8)
    }
}

/// What a certificate says from its issuer on.
fn from_issuer(der: &[u8]) -> Option<Der<'_>> {
    let mut body = Der(Der(Der(der).expect(SEQUENCE)?).expect(SEQUENCE)?);
    if body.0.first() == Some(&VERSION) {
        body.next()?;
    }
    // Past the serial number and the signature's algorithm.
    body.next()?;
    body.next()?;
    Some(body)
}

/// What is left of a sequence of elements.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The tag and the content of the next one.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, short], mut rest) = self.0.split_first_chunk()?;
        let length = if short < 0x80 {
            usize::from(short)
        } else {
            // The length has a length itself; one of more than four bytes is of no certificate.
            let (long, after) = rest.split_at_checked(usize::from(short & 0x7f))?;
            rest = after;
            if long.len() > 4 {
                return None;
            }
            let length = long
                .iter()
                .fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
            usize::try_from(length).ok()?
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next one, which has to have this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|next| next.0 == tag).map(|next| next.1)
    }
}

/// The common name in a Name; empty if it has none.
fn common_name(name: &[u8]) -> String {
    let mut parts = Der(name);
    while let Some(part) = parts.expect(SET) {
        let mut pair = Der(Der(part).expect(SEQUENCE).unwrap_or_default());
        if pair.expect(OBJECT_IDENTIFIER) == Some(COMMON_NAME)
            && let Some((_, text)) = pair.next()
        {
            return String::from_utf8_lossy(text).into_owned();
        }
    }
    String::new()
}

fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut extensions = Der(Der(extensions).expect(SEQUENCE)?);
    while let Some(extension) = extensions.expect(SEQUENCE) {
        let mut extension = Der(extension);
        if extension.expect(OBJECT_IDENTIFIER)? != ALTERNATIVE_NAME {
            continue;
        }
        // A BOOLEAN may say first that it is critical.
        let mut value = extension.next()?;
        if value.0 != OCTET_STRING {
            value = extension.next()?;
        }
        let mut each = Der(Der(value.1).expect(SEQUENCE)?);
        let mut names = Vec::new();
        while let Some((tag, name)) = each.next() {
            match tag {
                DNS_NAME => names.push(String::from_utf8_lossy(name).into_owned()),
                IP_ADDRESS => names.extend(address(name).map(|address| address.to_string())),
                _ => {}
            }
        }
        return Some(names);
    }
    None
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

/// A Time, in the only form that RFC 5280 allows: `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time((tag, text): (u8, &[u8])) -> Option<SystemTime> {
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        // Its years are from 1950 to 2049.
        UTC_TIME if text >= "50" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let part = |from, to| text.get(from..to);
    let (day, time) = (
        [part(0, 4)?, part(4, 6)?, part(6, 8)?].join("-"),
        [part(8, 10)?, part(10, 12)?, part(12, 14)?].join(":"),
    );
    let written = format!("{day}T{time}Z");
    humantime::parse_rfc3339(&written).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    /// `openssl req -x509 -newkey ed25519 -nodes -subj /O=ours/CN=a -days 40000 -set_serial 1
    /// -addext 'subjectAltName=critical,DNS:etcd-1,IP:127.0.0.1,IP:::1'`, in hex.
    const MADE: &str = "\
        308201693082011ba003020102020101300506032b6570301b310d300b060355040a0c046f757273310a3008\
        06035504030c01613020170d3236313132353138333134345a180f32313336303630313138333134345a301b\
        310d300b060355040a0c046f757273310a300806035504030c0161302a300506032b65700321002a37823227\
        d594f15d040d5fedc4107bf5cf0cbadd7a12558aa2eaf3b5d8f082a38181307f301d0603551d0e04160414b7\
        449735eba852da1f3dcb5822fccdd3110f7409301f0603551d23041830168014b7449735eba852da1f3dcb58\
        22fccdd3110f7409300f0603551d130101ff040530030101ff302c0603551d110101ff042230208206657463\
        642d3187047f000001871000000000000000000000000000000001300506032b65700341002d6812526e43ed\
        d2b54d1f7a4b02ad4ddc94f593899dfb6cb11de21477e9ee71fbd1d8299280b70ca6c05056a09308bf83dfce\
        67f3afe8152099a094e3b95d06\
        ";

    pub(in crate::locker::net) fn bytes() -> Vec<u8> {
        let digits: Vec<_> = MADE.chars().filter_map(|c| c.to_digit(16)).collect();
        let pairs = digits.chunks_exact(2);
        pairs.map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
    }

    #[test]
    fn it_says_whose_it_is_and_until_when() {
        let read = Certificate::read(&bytes()).expect("a certificate");
        assert_eq!(read.subject, "a");
        assert_eq!(read.issuer, "a");
        assert_eq!(read.names, ["etcd-1", "127.0.0.1", "::1"]);
        let days = read.until.duration_since(read.from).expect("a span");
        assert_eq!(days, Duration::from_secs(40_000 * 24 * 60 * 60));
    }

    #[test]
    fn what_is_cut_or_changed_anywhere_does_no_harm() {
        let whole = bytes();
        for at in 0..whole.len() {
            let _ = Certificate::read(&whole[..at]);
            let _ = PublicKey::of_certificate(&whole[..at]);
            for value in [0, 0x30, 0x7f, 0x80, 0x84, 0x89, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let _ = Certificate::read(&changed);
                let _ = PublicKey::of_certificate(&changed).and_then(|key| key.rsa_bits());
            }
        }
    }

    #[test]
    fn times_are_of_their_century() {
        let at = |tag, text: &str| {
            let time = time((tag, text.as_bytes()))?;
            Some(humantime::format_rfc3339(time).to_string())
        };
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", "1970-01-01T00:00:00Z"),
            (UTC_TIME, "491231235959Z", "2049-12-31T23:59:59Z"),
            (GENERALIZED_TIME, "21360601120000Z", "2136-06-01T12:00:00Z"),
        ] {
            assert_eq!(at(tag, text).as_deref(), Some(expected));
        }
        assert_eq!(at(UTC_TIME, "7001"), None);
        assert_eq!(at(SEQUENCE, "700101000000Z"), None);
    }
}
