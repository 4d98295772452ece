//! How long certificates are valid: just enough of X.509 (RFC 5280) for two dates and two names.
//!
//! The node sends its certificates, which are public, so that it need not have openssl(1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What is read of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    /// From when it is valid.
    pub(super) not_before: Timestamp,
    /// Until when it is valid.
    pub(super) not_after: Timestamp,
    /// Who issued it, and whose it is: encoded names, only to be compared.
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
}

/// Reads the certificates of a PEM file, in its order; `None` where one of them cannot be read or none is there.
pub(super) fn read(pem: &str) -> Option<Vec<Certificate>> {
    let mut found = Vec::new();
    let mut rest = pem;
    while let Some((_, after)) = rest.split_once("-----BEGIN CERTIFICATE-----") {
        let (body, after) = after.split_once("-----END CERTIFICATE-----")?;
        let text: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        found.push(certificate(&STANDARD.decode(text).ok()?)?);
        rest = after;
    }
    (!found.is_empty()).then_some(found)
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `SEQUENCE { tbs SEQUENCE { [version], serial, algorithm, issuer, validity, subject, … }, … }`.
fn certificate(der: &[u8]) -> Option<Certificate> {
    let (whole, _) = of(SEQUENCE, der)?;
    let (tbs, _) = of(SEQUENCE, whole)?;
    let rest = of(VERSION, tbs).map_or(tbs, |(_, rest)| rest);
    let (_, rest) = of(INTEGER, rest)?;
    let (_, rest) = of(SEQUENCE, rest)?;
    let (issuer, rest) = of(SEQUENCE, rest)?;
    let (validity, rest) = of(SEQUENCE, rest)?;
    let (subject, _) = of(SEQUENCE, rest)?;
    let (not_before, validity) = time(validity)?;
    let (not_after, _) = time(validity)?;
    Some(Certificate { not_before, not_after, issuer: issuer.to_vec(), subject: subject.to_vec() })
}

/// The contents of the element of this tag that stands first, and what follows it.
fn of(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    (*found == tag).then_some(())?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(*first & 0x7f))?;
        (digits.len() <= 4).then_some(())?;
        (digits.iter().fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit)), rest)
    };
    rest.split_at_checked(length)
}

/// A time in one of the two forms of RFC 5280, both in UTC: `YYMMDDHHMMSSZ` of 1950 to 2049, `YYYYMMDDHHMMSSZ`.
fn time(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (text, rest) = if let Some((text, rest)) = of(UTC_TIME, bytes) {
        let text = std::str::from_utf8(text).ok()?;
        let year: u8 = text.get(..2)?.parse().ok()?;
        (format!("{}{text}", if year < 50 { "20" } else { "19" }), rest)
    } else {
        let (text, rest) = of(GENERALIZED_TIME, bytes)?;
        (std::str::from_utf8(text).ok()?.to_owned(), rest)
    };
    let digits = text.strip_suffix('Z').filter(|t| t.len() == 14 && t.bytes().all(|b| b.is_ascii_digit()))?;
    let moment = DateTime::strptime("%Y%m%d%H%M%S", digits).ok()?;
    Some((moment.to_zoned(TimeZone::UTC).ok()?.timestamp(), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CERT: &str = include_str!("../../tests/fixtures/certificates/cert.pem");
    const CA: &str = include_str!("../../tests/fixtures/certificates/ca.pem");
    const FAR: &str = include_str!("../../tests/fixtures/certificates/far.pem");

    /// The dates are those of `openssl x509 -noout -dates`.
    #[test]
    fn dates_and_names() {
        let all = read(&format!("{CERT}{CA}\nsome text\n{FAR}")).unwrap();
        let shown: Vec<String> =
            all.iter().map(|one| format!("{} {}", one.not_before, one.not_after)).collect();
        assert_eq!(
            shown,
            [
                "2026-11-21T20:50:32Z 2026-12-21T20:50:32Z",
                "2026-11-21T20:50:32Z 2036-11-18T20:50:32Z",
                "2026-11-21T20:50:33Z 2081-08-24T20:50:33Z",
            ]
        );
        assert_eq!(all[0].issuer, all[1].subject);
        assert_ne!(all[0].issuer, all[2].subject);
    }

    #[test]
    fn what_is_no_certificate() {
        for bad in [
            "",
            "x",
            "-----BEGIN CERTIFICATE-----\n",
            &CERT.replace("MII", "MIJ"),
            &CERT.replace("-----END", ""),
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), at in 0usize..400, with in any::<u8>()) {
            let _ = certificate(&bytes);
            let mut der = STANDARD.decode(CERT.lines().filter(|l| !l.starts_with('-')).collect::<String>()).unwrap();
            if let Some(byte) = der.get_mut(at) {
                *byte = with;
            }
            let _ = certificate(&der);
            let _ = read(&format!("-----BEGIN CERTIFICATE-----{}-----END CERTIFICATE-----", STANDARD.encode(&bytes)));
        }
    }
}
