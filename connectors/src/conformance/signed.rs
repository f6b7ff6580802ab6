//! Sabotage of signatures, over the connector's own scheme and the one place that verifies.
//!
//! The genuine signature is a vector made once: the suite, like the product, has no private key. What the vectors do not
//! say is that the provider signs so; its documents do, and `MAPPING.md` names them.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::{Problems, Subject};
use crate::connector::Authenticity;
use crate::verify::{Algorithm, NotAuthentic, PublicKeys, Scheme};

/// A body, signatures over it, the signer's key and somebody else's.
struct Vector {
    body: &'static [u8],
    signature: &'static str,
    /// Genuine in another way: other hash, other padding.
    others: [&'static str; 2],
    own: &'static str,
    other: &'static str,
}

const fn vector(algorithm: Algorithm) -> Vector {
    match algorithm {
        Algorithm::RsaPkcs1Sha256Base64 => Vector {
            body: include_bytes!("vectors/body.json"),
            signature: include_str!("vectors/signature.txt"),
            others: [include_str!("vectors/sha1.txt"), include_str!("vectors/pss.txt")],
            own: include_str!("vectors/own.pem"),
            other: include_str!("vectors/other.pem"),
        },
    }
}

pub(super) fn sabotage(subject: &Subject<'_>, problems: &mut Problems) {
    match subject.connector.authenticity() {
        Authenticity::Signed(scheme) => signed(scheme, problems),
        Authenticity::Hint => hint(subject, problems),
        Authenticity::NoPush => {
            problems.must(subject.connector.hinted(b"{\"id\":\"1\"}").is_err(), || {
                "mod.rs: hinted() reads a push, and authenticity() is NoPush: expected Unreadable".to_owned()
            });
        }
    }
}

/// A hint may wake the poller and says nothing, whatever it claims.
fn hint(subject: &Subject<'_>, problems: &mut Problems) {
    for case in subject.folder.of_kind("webhook") {
        if let Some(Ok(read)) = subject.read(case, &case.body, problems) {
            problems.must(read.said.is_empty(), || {
                format!(
                    "{case}: a push without a signature says something; hinted() names its objects, and that is all"
                )
            });
        }
    }
}

fn signed(scheme: Scheme, problems: &mut Problems) {
    let Vector { body, signature, others, own, other } = vector(scheme.algorithm);
    let (Ok(keys), Ok(strangers)) = (PublicKeys::from_pem([own]), PublicKeys::from_pem([other])) else {
        return problems.push("the suite's own keys cannot be read");
    };
    let Ok(name) = HeaderName::try_from(scheme.header) else {
        return problems.push(
            "mod.rs: authenticity(): Scheme::header: expected the name of the header that carries the signature; Hint where \
             a push is not signed, NoPush where there is none",
        );
    };
    let headers = |values: &[&str]| {
        let fitting = values.iter().filter_map(|value| HeaderValue::try_from(*value).ok());
        fitting.map(|value| (name.clone(), value)).collect::<HeaderMap>()
    };
    let take = |keys: &PublicKeys, headers: &HeaderMap, body: &[u8]| -> Result<(), NotAuthentic> {
        scheme.signature(headers).and_then(|signature| keys.verify(body, signature)).map(|_| ())
    };
    let genuine = headers(&[signature]);
    problems.must(take(&keys, &genuine, body).is_ok(), || "the genuine signature is refused".to_owned());
    let mut wrong = |what: &str, result: Result<(), NotAuthentic>| {
        problems.must(result.is_err(), || format!("a push is believed with {what}"));
    };
    wrong("no signature", take(&keys, &HeaderMap::new(), body));
    let mut twice = genuine.clone();
    twice.extend(genuine.get(&name).map(|value| (name.clone(), value.clone())));
    twice.append(name.clone(), HeaderValue::from_static("x"));
    wrong("two signatures", take(&keys, &twice, body));
    wrong("a signature under another header's name", {
        let renamed = genuine.values().map(|value| (HeaderName::from_static("x-zz-nobody"), value.clone()));
        take(&keys, &renamed.collect(), body)
    });
    wrong("somebody else's key", take(&strangers, &genuine, body));
    wrong("no body", take(&keys, &genuine, b""));
    for at in 0..body.len() {
        let mut changed = body.to_vec();
        if let Some(byte) = changed.get_mut(at) {
            *byte ^= 1;
        }
        wrong("a changed byte of the body", take(&keys, &genuine, &changed));
    }
    wrong("a space more in the body", take(&keys, &genuine, &[body, b" "].concat()));
    wrong("a body that was written anew", {
        let value =
            serde_json::from_slice::<serde_json::Value>(body).map(|value| value.to_string()).unwrap_or_default();
        take(&keys, &genuine, value.as_bytes())
    });
    for at in (0..signature.len()).step_by(7) {
        let mut changed = signature.as_bytes().to_vec();
        if let Some(byte) = changed.get_mut(at) {
            *byte = if *byte == b'A' { b'B' } else { b'A' };
        }
        let changed = String::from_utf8(changed).unwrap_or_default();
        wrong("a changed signature", take(&keys, &headers(&[&changed]), body));
    }
    let hex: String = signature.bytes().map(|byte| format!("{byte:02x}")).collect();
    let (bare, spaced) = (signature.trim_end_matches('='), format!("{signature} A"));
    for odd in others.into_iter().chain([hex.as_str(), bare, spaced.as_str(), "", "===="]) {
        wrong("a signature in another form", take(&keys, &headers(&[odd]), body));
    }
}
