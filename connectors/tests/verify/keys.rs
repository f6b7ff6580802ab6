//! Keys as people configure them.

use base64::Engine;
use ensimbi_events::leaf::sha256;
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::{BigUint, RsaPublicKey};

use crate::support::*;

const CERTIFICATE: &str = include_str!("documented/certificate.pem");
/// What `openssl x509 -pubkey` and `sha256sum` make of that certificate's key.
const FINGERPRINT: &str = "8c9b1f8564b73da7342e46a530bc6cb4c28b87e8b1b3ca87225c6a7e9d5ad27c";

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// A key of any numbers; nobody can sign with it.
fn of_numbers(n: &BigUint, e: u64) -> RsaPublicKey {
    RsaPublicKey::new_unchecked(n.clone(), BigUint::from(e))
}

/// An odd number of exactly so many bits.
fn odd(bits: usize) -> BigUint {
    (BigUint::from(1_u8) << (bits - 1)) + BigUint::from(0x1234_5679_u32)
}

#[test]
fn every_written_form_of_a_key_is_the_same_key() {
    let public = of_numbers(&odd(2048), 65_537);
    let spki = public.to_public_key_pem(LineEnding::LF).unwrap();
    let der = public.to_public_key_der().unwrap();
    let forms = [
        spki.clone(),
        public.to_pkcs1_pem(LineEnding::LF).unwrap(),
        public.to_public_key_pem(LineEnding::CRLF).unwrap(),
        spki.replace('\n', "\\n"),
        spki.replace('\n', "\\r\\n"),
        spki.replace('\n', "\n    "),
        format!("the key of the webhook:\n{spki}\n\n"),
        pem("PUBLIC KEY", der.as_bytes()),
    ];
    let keys: Vec<PublicKey> = forms.iter().map(|form| PublicKey::from_pem(form).unwrap()).collect();
    for key in &keys {
        assert_eq!(key.fingerprint(), sha256(der.as_bytes()));
        assert_eq!(key.signature_bytes(), 256);
    }
    let set = PublicKeys::new(keys).unwrap();
    assert_eq!(set.iter().count(), 1, "one key, however often it is named");
    assert_eq!(format!("{set:?}"), format!("[PublicKey({})]", sha256(der.as_bytes())));
}

#[test]
fn a_certificate_stands_for_its_subjects_key_though_its_dates_are_over() {
    let key = PublicKey::from_pem(CERTIFICATE).unwrap();
    assert_eq!((key.fingerprint().to_string().as_str(), key.signature_bytes()), (FINGERPRINT, 256));
    assert_eq!(PublicKey::from_pem(&CERTIFICATE.replace('\n', "\\n")).unwrap(), key);
}

#[test]
fn sizes_and_exponents_within_the_bounds_are_taken() {
    for (bits, e) in [(2048, 3), (2048, 17), (3072, 65_537), (4096, 65_537), (8192, 3), (2048, (1 << 33) - 1)] {
        let text = of_numbers(&odd(bits), e).to_public_key_pem(LineEnding::LF).unwrap();
        assert_eq!(PublicKey::from_pem(&text).map(|key| key.signature_bytes()), Ok(bits / 8), "{bits} {e}");
    }
}

#[test]
fn keys_that_are_not_fit_are_refused() {
    let even = odd(2048) - BigUint::from(1_u8);
    let cases = [
        (of_numbers(&odd(1024), 65_537), KeyError::Bits(1024)),
        (of_numbers(&odd(2047), 65_537), KeyError::Bits(2047)),
        (of_numbers(&odd(8193), 65_537), KeyError::Bits(8193)),
        (of_numbers(&BigUint::from(0_u8), 65_537), KeyError::Bits(0)),
        (of_numbers(&even, 65_537), KeyError::Numbers),
        (of_numbers(&odd(2048), 0), KeyError::Numbers),
        (of_numbers(&odd(2048), 1), KeyError::Numbers),
        (of_numbers(&odd(2048), 2), KeyError::Numbers),
        (of_numbers(&odd(2048), 65_536), KeyError::Numbers),
        (of_numbers(&odd(2048), (1 << 33) + 1), KeyError::Numbers),
        (of_numbers(&odd(2048), u64::MAX), KeyError::Numbers),
    ];
    for (key, why) in cases {
        assert_eq!(PublicKey::from_pem(&key.to_public_key_pem(LineEnding::LF).unwrap()), Err(why));
        assert_eq!(PublicKey::from_pem(&key.to_pkcs1_pem(LineEnding::LF).unwrap()), Err(why));
    }
}

#[test]
fn texts_that_are_no_public_key_are_refused_without_being_repeated() {
    let good = of_numbers(&odd(2048), 65_537);
    let good_text = good.to_public_key_pem(LineEnding::LF).unwrap();
    let (spki, pkcs1) = (good.to_public_key_der().unwrap(), good.to_pkcs1_der().unwrap());
    let ec = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7FQY+C9L0EE80zXvOathCNiYU2MHfR00q9LyfF/ZiCeFHiRozwmWwHgxM+4CtSL8hBMwaGEWzgxAnCs3lCatFg==";
    // The name of the algorithm (1.2.840.113549.1.1.1, the last byte) turned into RSASSA-PSS (...10).
    let oid = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let mut pss = spki.as_bytes().to_vec();
    let at = pss.windows(9).position(|window| window == oid).unwrap();
    pss[at + 8] = 10;
    let cases = [
        (String::new(), KeyError::Pem),
        ("sk_live_secret".to_owned(), KeyError::Pem),
        (STANDARD.encode(spki.as_bytes()), KeyError::Pem),
        (good_text.replace("-----END", "-----BEGIN"), KeyError::Pem),
        (good_text.replace("END PUBLIC", "END RSA PUBLIC"), KeyError::Pem),
        (good_text.replace("PUBLIC KEY", "SSH KEY"), KeyError::Pem),
        (good_text.replace("MII", "M*I"), KeyError::Pem),
        (format!("{good_text}{good_text}"), KeyError::Pem),
        (format!("{good_text}more"), KeyError::Pem),
        (format!("{}{good_text}", " ".repeat(16 * 1024)), KeyError::Pem),
        (good_text[..200].to_owned(), KeyError::Pem),
        (first().0.to_pkcs1_pem(LineEnding::LF).unwrap().to_string(), KeyError::Private),
        (pem("PRIVATE KEY", b"anything"), KeyError::Private),
        (pem("ENCRYPTED PRIVATE KEY", b"anything"), KeyError::Private),
        (pem("PUBLIC KEY", b""), KeyError::Content),
        (pem("PUBLIC KEY", pkcs1.as_bytes()), KeyError::Content),
        (pem("RSA PUBLIC KEY", spki.as_bytes()), KeyError::Content),
        (pem("CERTIFICATE", spki.as_bytes()), KeyError::Content),
        (pem("PUBLIC KEY", &[spki.as_bytes(), &[0]].concat()), KeyError::Content),
        (pem("RSA PUBLIC KEY", &[pkcs1.as_bytes(), &[0]].concat()), KeyError::Content),
        (pem("PUBLIC KEY", &pss), KeyError::Content),
        (format!("-----BEGIN PUBLIC KEY-----\n{ec}\n-----END PUBLIC KEY-----"), KeyError::Content),
    ];
    for (text, why) in cases {
        let error = PublicKey::from_pem(&text).unwrap_err();
        assert_eq!(error, why, "{text}");
        let said = format!("{error} {error:?}");
        assert!(said.contains("expected"), "{said}");
        assert!(!said.contains("secret") && !said.contains("MII") && !said.contains("M*I"), "{said}");
    }
}

#[test]
fn a_set_has_one_to_four_keys() {
    let text = |n: u8| of_numbers(&(odd(2048) + BigUint::from(2 * n)), 3).to_public_key_pem(LineEnding::LF).unwrap();
    let set = |count: u8| PublicKeys::from_pem((0..count).map(text));
    assert_eq!(set(0).unwrap_err(), KeyError::Count);
    assert_eq!(set(4).unwrap().iter().count(), KEYS_MAX);
    assert_eq!(set(5).unwrap_err(), KeyError::Count);
    let twice = PublicKeys::from_pem((0..4).chain(0..4).map(text)).unwrap();
    assert_eq!(twice.iter().count(), 4);
    let spoilt = PublicKeys::from_pem([text(0), "no key".to_owned()]);
    assert_eq!(spoilt.unwrap_err(), KeyError::Pem, "no set of fewer keys than were named");
}

#[test]
fn garbage_is_refused_and_panics_nowhere() {
    let public = of_numbers(&odd(2048), 65_537);
    let certificate: String = CERTIFICATE.lines().filter(|line| !line.starts_with('-')).collect();
    let whole = [
        ("PUBLIC KEY", public.to_public_key_der().unwrap().into_vec()),
        ("RSA PUBLIC KEY", public.to_pkcs1_der().unwrap().into_vec()),
        ("CERTIFICATE", STANDARD.decode(certificate).unwrap()),
    ];
    let mut random = Seeded::new(11);
    let mut taken = 0;
    for round in 0..6_000 {
        let (label, der) = &whole[round % 3];
        let mut der = der.clone();
        match random.below(4) {
            0 => der.truncate(random.below(der.len())),
            1 => {
                let length = random.below(600);
                der = random.bytes(length);
            }
            // Where the lengths and the tags are.
            2 => der[random.below(40)] = random.bytes(1)[0],
            _ => {
                let at = random.below(der.len());
                der[at] ^= 1 << random.below(8);
            }
        }
        let mut text = pem(label, &der).into_bytes();
        if random.below(4) == 0 {
            let at = random.below(text.len());
            text[at] = random.bytes(1)[0];
        }
        taken += usize::from(PublicKey::from_pem(&String::from_utf8_lossy(&text)).is_ok());
    }
    // A flipped bit in a modulus, or in a certificate's names, leaves a key.
    assert!(taken < 4_000, "{taken}");
}
