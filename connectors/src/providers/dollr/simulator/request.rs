//! Requests as the provider reads them: JSON types as documented (provider facts, section 1: ids are integers in one
//! place and texts in another), amounts digit by digit, every length bounded. What is wrong is named by its place, all of
//! it at once.

use std::collections::BTreeMap;

use ensimbi_events::{Amount, Time};
use serde_json::Value;
use serde_json::value::RawValue;

use super::errors::{Refusal, Wrong};

/// Most of one amount, in units of 0.0001: a hundred million.
const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// Least of one amount (section 1).
const AMOUNT_MIN: i64 = 100;
pub(super) const QTY_MAX: i64 = 10_000;
const TEXT_MAX: usize = 500;
const ITEMS_MAX: usize = 200;

type Fields = BTreeMap<String, Box<RawValue>>;

/// What somebody asks for.
pub(super) struct Ask {
    pub(super) merchant: i64,
    params: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    body: Fields,
}

impl Ask {
    /// Reads the body where there is one.
    pub(super) fn read(
        merchant: i64,
        params: Vec<(String, String)>,
        query: Vec<(String, String)>,
        bytes: &[u8],
    ) -> std::result::Result<Self, Refusal> {
        let unreadable = || Refusal::Invalid(vec![Wrong::of_type(vec!["body".into()], "value is not a valid dict")]);
        let body = if bytes.iter().all(u8::is_ascii_whitespace) {
            Fields::new()
        } else if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            serde_json::from_slice(bytes).map_err(|_| unreadable())?
        } else {
            return Err(unreadable());
        };
        Ok(Self { merchant, params: params.into_iter().collect(), query: query.into_iter().collect(), body })
    }

    /// A part of the path, empty where it has none.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    /// A part of the path that is an integer; 404 for anything else.
    pub(super) fn id(&self, name: &str) -> std::result::Result<i64, Refusal> {
        integer(self.param(name)).ok_or(Refusal::not_found())
    }

    pub(super) fn body(&self) -> Reader<'_> {
        let fields = self.body.iter().map(|(name, raw)| (name.as_str(), raw.get().to_owned())).collect();
        Reader { place: vec!["body".into()], fields, is_query: false, wrongs: Vec::new() }
    }

    pub(super) fn query(&self) -> Reader<'_> {
        let fields = self.query.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        Reader { place: vec!["query".into()], fields, is_query: true, wrongs: Vec::new() }
    }
}

fn integer(text: &str) -> Option<i64> {
    let plain = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// E.164 without the plus (section 1).
pub(super) fn is_phone(text: &str) -> bool {
    (8..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

/// Three upper-case letters (section 1).
pub(super) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Reads fields and collects what is wrong. A field that is wrong or missing has a value that means nothing; whoever reads
/// ends with [`Reader::done`] before using any.
pub(super) struct Reader<'a> {
    place: Vec<Value>,
    /// As JSON, or of a query as the plain text.
    fields: BTreeMap<&'a str, String>,
    is_query: bool,
    wrongs: Vec<Wrong>,
}

impl<'a> Reader<'a> {
    fn loc(&self, name: &str) -> Vec<Value> {
        self.place.iter().cloned().chain([Value::from(name)]).collect()
    }

    fn wrong(&mut self, name: &str, msg: &'static str) {
        let loc = self.loc(name);
        self.wrongs.push(Wrong::of_type(loc, msg));
    }

    fn given(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|text| *text != "null")
    }

    fn needed<T: Default>(&mut self, name: &str, found: Option<T>) -> T {
        if found.is_none() && self.given(name).is_none() {
            let loc = self.loc(name);
            self.wrongs.push(Wrong::missing(loc));
        }
        found.unwrap_or_default()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// A text; other types are wrong.
    pub(super) fn opt_text(&mut self, name: &str) -> Option<String> {
        let given = self.given(name)?.to_owned();
        let text = if self.is_query { Some(given) } else { serde_json::from_str::<String>(&given).ok() };
        let text = text.filter(|text| text.chars().count() <= TEXT_MAX);
        if text.is_none() {
            self.wrong(name, "str type expected");
        }
        text
    }

    pub(super) fn text(&mut self, name: &str) -> String {
        let found = self.opt_text(name);
        if found.as_deref() == Some("") {
            self.wrong(name, "ensure this value has at least 1 characters");
        }
        self.needed(name, found)
    }

    /// A text that `fits`.
    pub(super) fn fitting(&mut self, name: &str, fits: impl Fn(&str) -> bool, msg: &'static str) -> String {
        let found = self.opt_text(name);
        if found.as_deref().is_some_and(|text| !fits(text)) {
            self.wrong(name, msg);
        }
        self.needed(name, found)
    }

    pub(super) fn word(&mut self, name: &str, words: &[&str]) -> String {
        self.fitting(name, |text| words.contains(&text), "value is not a valid enumeration member")
    }

    pub(super) fn opt_word(&mut self, name: &str, words: &[&str]) -> Option<String> {
        self.has(name).then(|| self.word(name, words))
    }

    pub(super) fn currency(&mut self, name: &str) -> String {
        self.fitting(name, is_currency, "string does not match regex \"^[A-Z]{3}$\"")
    }

    pub(super) fn phone(&mut self, name: &str) -> String {
        self.fitting(name, is_phone, "string does not match regex \"^[1-9]\\d{7,14}$\"")
    }

    /// A version-4 UUID.
    pub(super) fn reference(&mut self, name: &str) -> String {
        let is_four = |text: &str| text.parse::<uuid::Uuid>().is_ok_and(|uuid| uuid.get_version_num() == 4);
        let text = self.fitting(name, |text| text.len() == 36 && is_four(text), "value is not a valid uuid4");
        text.to_ascii_lowercase()
    }

    pub(super) fn opt_int(&mut self, name: &str) -> Option<i64> {
        let given = self.given(name)?.to_owned();
        let found = integer(&given);
        if found.is_none() {
            self.wrong(name, "value is not a valid integer");
        }
        found
    }

    pub(super) fn int(&mut self, name: &str) -> i64 {
        let found = self.opt_int(name);
        self.needed(name, found)
    }

    /// An integer id written as a text.
    pub(super) fn id_text(&mut self, name: &str) -> i64 {
        let found = self.opt_text(name);
        let id = found.as_deref().and_then(integer);
        if found.is_some() && id.is_none() {
            self.wrong(name, "no such id");
        }
        self.needed(name, id)
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        let found = self.given(name).and_then(|text| text.parse::<bool>().ok());
        if found.is_none() && self.has(name) {
            self.wrong(name, "value could not be parsed to a boolean");
        }
        self.needed(name, found)
    }

    pub(super) fn opt_time(&mut self, name: &str) -> Option<i64> {
        let text = self.opt_text(name)?;
        let found = text.parse::<Time>().ok();
        if found.is_none() {
            self.wrong(name, "invalid datetime format");
        }
        found.map(Time::micros)
    }

    pub(super) fn time(&mut self, name: &str) -> i64 {
        let found = self.opt_time(name);
        self.needed(name, found)
    }

    /// A number of at least 0.01 that is no text, in units of 0.0001.
    pub(super) fn opt_amount(&mut self, name: &str) -> Option<i64> {
        let given = self.given(name)?;
        let found = Amount::from_provider_text(given).ok().map(Amount::scaled);
        let found = found.filter(|scaled| (AMOUNT_MIN..=AMOUNT_MAX).contains(scaled));
        if found.is_none() {
            self.wrong(name, "ensure this value is greater than or equal to 0.01");
        }
        found
    }

    pub(super) fn amount(&mut self, name: &str) -> i64 {
        let found = self.opt_amount(name);
        self.needed(name, found)
    }

    fn object(&mut self, place: Vec<Value>, text: &str, read: impl FnOnce(&mut Reader<'_>)) {
        match serde_json::from_str::<Fields>(text) {
            Ok(fields) if text.trim_start().starts_with('{') => {
                let fields = fields.iter().map(|(name, raw)| (name.as_str(), raw.get().to_owned())).collect();
                let mut inner = Reader { place, fields, is_query: false, wrongs: Vec::new() };
                read(&mut inner);
                self.wrongs.append(&mut inner.wrongs);
            }
            _ => self.wrongs.push(Wrong::of_type(place, "value is not a valid dict")),
        }
    }

    /// An object inside.
    pub(super) fn inner(&mut self, name: &str, read: impl FnOnce(&mut Reader<'_>)) {
        let place = self.loc(name);
        match self.given(name).map(str::to_owned) {
            Some(text) => self.object(place, &text, read),
            None => self.wrongs.push(Wrong::missing(place)),
        }
    }

    /// A list of objects, 1 to 200.
    pub(super) fn objects(&mut self, name: &str, mut read: impl FnMut(&mut Reader<'_>)) {
        let Some(text) = self.given(name).map(str::to_owned) else {
            let loc = self.loc(name);
            return self.wrongs.push(Wrong::missing(loc));
        };
        match serde_json::from_str::<Vec<Box<RawValue>>>(&text) {
            Ok(list) if (1..=ITEMS_MAX).contains(&list.len()) => {
                for (nth, one) in list.iter().enumerate() {
                    let place = self.loc(name).into_iter().chain([Value::from(nth)]).collect();
                    self.object(place, one.get(), &mut read);
                }
            }
            _ => self.wrong(name, "value is not a valid list"),
        }
    }

    /// Says that something is not possible.
    pub(super) fn refuse(&mut self, name: &str, msg: &'static str) {
        let loc = self.loc(name);
        self.wrongs.push(Wrong::value(loc, msg));
    }

    /// Whether all was read well.
    pub(super) fn done(self) -> std::result::Result<(), Refusal> {
        if self.wrongs.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.wrongs)) }
    }
}
