//! How a signature may be written, and where it stands.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE};

use crate::support::*;

const DOCUMENTED_CERTIFICATE: &str = include_str!("documented/certificate.pem");
/// The sample of the provider's documentation, over "Hello World": about 49 bytes of it are missing.
const DOCUMENTED_SIGNATURE: &str = include_str!("documented/signature.txt");

const SCHEME: Scheme = Scheme { header: "X-Signature", algorithm: Algorithm::RsaPkcs1Sha256Base64 };

#[test]
fn the_documented_sample_is_corrupt_and_refused() {
    assert_eq!(DOCUMENTED_SIGNATURE.len(), 278);
    let keys = PublicKeys::from_pem([DOCUMENTED_CERTIFICATE]).unwrap();
    assert_eq!(keys.verify(b"Hello World", DOCUMENTED_SIGNATURE.as_bytes()), Err(NotAuthentic::Length));
    // What lenient readers make of it: 207 bytes, as they are and filled up on either side.
    let bytes = STANDARD.decode(&DOCUMENTED_SIGNATURE[..276]).unwrap();
    assert_eq!(bytes.len(), 207);
    let filled = [[vec![0; 49], bytes.clone()].concat(), [bytes.clone(), vec![0; 49]].concat()];
    for signature in filled {
        let verdict = keys.verify(b"Hello World", STANDARD.encode(signature).as_bytes());
        assert_eq!(verdict, Err(NotAuthentic::Signature));
    }
    assert_eq!(keys.verify(b"Hello World", STANDARD.encode(bytes).as_bytes()), Err(NotAuthentic::Length));
}

#[test]
fn a_signature_is_written_in_one_way_only() {
    for pair in [first(), large()] {
        let keys = pair.keys();
        // A body whose signature shows both characters in which the two alphabets differ.
        let (body, good) = (0..)
            .map(|n: u32| n.to_string().into_bytes())
            .map(|body| (pair.header(&body), body))
            .find_map(|(header, body)| (header.contains('+') && header.contains('/')).then_some((body, header)))
            .unwrap();
        assert!(keys.verify(&body, good.as_bytes()).is_ok());
        let bytes = STANDARD.decode(&good).unwrap();
        let longer = |count: usize| STANDARD.encode([bytes.clone(), vec![0; count]].concat());
        let shorter = |count: usize| STANDARD.encode(&bytes[..bytes.len() - count]);
        let middle = good.len() / 2;
        let put = |at: usize, what: &str| format!("{}{what}{}", &good[..at], &good[at + what.len()..]);
        let mut texts = vec![
            String::new(),
            "=".to_owned(),
            "====".to_owned(),
            good.repeat(2),
            format!("{good},{good}"),
            format!("{good}=="),
            format!("{good}===="),
            format!("{good} "),
            format!(" {good}"),
            format!("{good}\n"),
            format!("{}\n{}", &good[..64], &good[64..]),
            format!("\"{good}\""),
            format!("sha256={good}"),
            good[..good.len() - 1].to_owned(),
            good[1..].to_owned(),
            // As long as a good one, with something else in it.
            put(middle, " "),
            put(middle, "\n"),
            put(middle, "\0"),
            put(middle, "="),
            put(middle, "===="),
            put(middle, "é"),
            put(0, " "),
            put(good.len() - 1, "\n"),
            put(good.len() - 4, "===="),
            URL_SAFE.encode(&bytes),
            longer(1),
            longer(2),
            longer(3),
            shorter(1),
            shorter(2),
            shorter(3),
            STANDARD.encode([&[0], &bytes[..]].concat()),
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            "A".repeat(1 << 20),
        ];
        if pair.size() % 3 == 1 {
            // 256 bytes: two signs of padding, and four bits before them that mean nothing.
            assert!(good.ends_with("=="));
            texts.push(STANDARD_NO_PAD.encode(&bytes));
            texts.push(good.replace("==", "="));
            texts.push(good.replace("==", "A="));
            texts.push(good.replace("==", "AA"));
            let last = good.len() - 3;
            let zero_bits = good.as_bytes()[last];
            let next = STANDARD_ALPHABET.iter().position(|letter| *letter == zero_bits).unwrap() + 1;
            let bits = char::from(STANDARD_ALPHABET[next]).to_string();
            texts.push(put(last, &bits));
        } else {
            texts.push(put(good.len() - 1, "="));
            texts.push(put(good.len() - 2, "=="));
        }
        for text in texts {
            let verdict = keys.verify(&body, text.as_bytes()).unwrap_err();
            assert!(matches!(verdict, NotAuthentic::Length | NotAuthentic::Encoding), "{verdict:?} {text}");
        }
        let bare = [vec![0xff; good.len()], bytes.clone(), vec![0; good.len()]];
        assert!(bare.iter().all(|value| keys.verify(&body, value).is_err()), "bytes that are no text");
    }
}

const STANDARD_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[test]
fn the_signature_stands_in_its_header_exactly_once() {
    let headers = |values: &[(&'static str, &'static str)]| -> HeaderMap {
        values.iter().map(|(n, v)| (n.parse::<HeaderName>().unwrap(), HeaderValue::from_static(v))).collect()
    };
    let once = headers(&[("x-signature", "abc"), ("signature", "def")]);
    assert_eq!(SCHEME.signature(&once), Ok(&b"abc"[..]));
    assert_eq!(SCHEME.signature(&headers(&[("x-signature", "")])), Ok(&b""[..]), "empty is judged by its length");
    let missing = headers(&[("signature", "def")]);
    assert_eq!(SCHEME.signature(&missing), Err(NotAuthentic::Header));
    let mut twice = once;
    twice.append("x-signature", HeaderValue::from_static("abc"));
    assert_eq!(SCHEME.signature(&twice), Err(NotAuthentic::Header));
}

#[test]
fn a_refusal_has_a_word_and_repeats_nothing() {
    let all = [NotAuthentic::Header, NotAuthentic::Length, NotAuthentic::Encoding, NotAuthentic::Signature];
    assert_eq!(all.map(NotAuthentic::as_str), ["header", "length", "encoding", "signature"]);
    for why in all {
        assert_eq!(Unverified::from(why).to_string(), why.to_string());
    }
}
