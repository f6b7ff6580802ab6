//! Names, phones and addresses of the other side: in the party of a statement, which goes to the vault, and only there.

use super::{Problems, Subject};
use crate::connector::{PartyDetails, Said, Translation, Unreadable};

/// A person as no fixture has one.
const PERSON: &str = "Zebulon Quux 256709998877";
/// Parts of it that would give it away.
const PARTS: [&str; 3] = ["Zebulon", "Quux", "256709998877"];
/// Shortest text of a fixture's party that is looked for: a shorter one may stand anywhere.
const TEXT_MIN: usize = 5;

/// Everything of a reading that is logged, counted, recorded or shown, as one text.
fn shown(read: &Result<Translation, Unreadable>) -> String {
    let translation = match read {
        Ok(translation) => translation,
        Err(error) => return format!("{error} {error:?}"),
    };
    let mut text = translation.unknown.join(" ");
    for said in &translation.said {
        text.push_str(&format!("{:?}", without_reference(said)));
    }
    for (object, watch) in &translation.watch {
        text.push_str(&format!("{} {:?} {watch:?}", object.kind, object.id));
    }
    text
}

/// A reference of somebody else's may be any text; it is looked up and not recorded.
fn without_reference(said: &Said) -> Said {
    let mut said = said.clone();
    said.object.reference = None;
    for link in [&mut said.links.original, &mut said.links.invoice].into_iter().flatten() {
        link.reference = None;
    }
    said
}

pub(super) fn parties(subject: &Subject<'_>, problems: &mut Problems) {
    let mut any = false;
    for case in &subject.folder.cases {
        let Some(read) = subject.read(case, &case.body, problems) else { continue };
        let parties = read.iter().flat_map(|read| &read.said).filter_map(|said| said.party.as_ref());
        let texts: Vec<&String> =
            parties.flat_map(|PartyDetails { phone, name, email }| [phone, name, email]).flatten().collect();
        let shown = shown(&read);
        for text in texts.into_iter().filter(|text| text.len() >= TEXT_MIN) {
            any = true;
            problems.must(!shown.contains(text.as_str()), || {
                format!("{case}: a text of the other side is outside Said::party; keep it in PartyDetails alone")
            });
        }
    }
    let reads = subject.connector.facts().capabilities.contains(&crate::connector::Capability::Collect);
    problems.must(any || !reads, || {
        "no fixture tells of the other side: add one with a phone or a name, as the provider sends it, under fixtures/<kind>/"
            .to_owned()
    });
}

pub(super) fn any_place(subject: &Subject<'_>, problems: &mut Problems) {
    for (case, document) in subject.sample(6) {
        for spot in document.spots() {
            let body = document.with(&spot, &format!("\"{PERSON}\""));
            let Some(read) = subject.read(case, body.as_bytes(), problems) else { continue };
            let shown = shown(&read);
            problems.must(!PARTS.iter().any(|part| shown.contains(part)), || {
                format!(
                    "{case}: a person's text in {} reaches an error, a fact, an unknown word or Debug; name the field, \
                     not its value",
                    spot.key
                )
            });
        }
    }
}
