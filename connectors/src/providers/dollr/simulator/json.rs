//! Answers, field by field in the documents' order. An amount is a JSON number of its exact digits, or a decimal text
//! where the documents have one (provider facts, section 1).

use ensimbi_events::{Amount, Time};
use serde_json::Value;

use super::switches::Switches;

/// A JSON object being written.
pub(super) struct Json {
    text: String,
    whole_numbers: bool,
}

/// A moment as they write it: whole seconds, UTC.
pub(super) fn stamp(at: Time) -> String {
    Time::from_micros(at.micros().div_euclid(1_000_000) * 1_000_000).to_string()
}

/// An amount as people write it.
pub(super) fn digits(scaled: i64) -> String {
    Amount::from_scaled(scaled).to_string()
}

/// A list of what is JSON already.
pub(super) fn list(elements: impl IntoIterator<Item = String>) -> String {
    let all: Vec<String> = elements.into_iter().collect();
    ["[", &all.join(","), "]"].concat()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Json {
    pub(super) fn new(switches: &Switches) -> Self {
        Self { text: String::new(), whole_numbers: switches.whole_numbers }
    }

    /// What is JSON already.
    pub(super) fn raw(mut self, name: &str, json: &str) -> Self {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        self.text.push_str(&quoted(name));
        self.text.push(':');
        self.text.push_str(json);
        self
    }

    fn opt(self, name: &str, json: Option<String>) -> Self {
        self.raw(name, json.as_deref().unwrap_or("null"))
    }

    pub(super) fn null(self, name: &str) -> Self {
        self.raw(name, "null")
    }

    pub(super) fn int(self, name: &str, value: i64) -> Self {
        self.raw(name, &value.to_string())
    }

    pub(super) fn flag(self, name: &str, value: bool) -> Self {
        self.raw(name, &value.to_string())
    }

    pub(super) fn text(self, name: &str, text: &str) -> Self {
        self.raw(name, &quoted(text))
    }

    pub(super) fn opt_text(self, name: &str, text: Option<&str>) -> Self {
        self.opt(name, text.map(quoted))
    }

    pub(super) fn opt_int(self, name: &str, value: Option<i64>) -> Self {
        self.opt(name, value.map(|value| value.to_string()))
    }

    /// An amount as a number.
    pub(super) fn num(self, name: &str, scaled: i64) -> Self {
        let mut text = digits(scaled);
        if !self.whole_numbers && !text.contains('.') {
            text.push_str(".0");
        }
        self.raw(name, &text)
    }

    /// An amount as a decimal text.
    pub(super) fn dec(self, name: &str, scaled: i64) -> Self {
        self.text(name, &digits(scaled))
    }

    pub(super) fn time(self, name: &str, micros: i64) -> Self {
        self.text(name, &stamp(Time::from_micros(micros)))
    }

    pub(super) fn opt_time(self, name: &str, micros: Option<i64>) -> Self {
        self.opt(name, micros.map(|micros| quoted(&stamp(Time::from_micros(micros)))))
    }

    /// `created_at` and `updated_at`.
    pub(super) fn times(self, created: i64, updated: i64) -> Self {
        self.time("created_at", created).time("updated_at", updated)
    }

    pub(super) fn end(mut self) -> String {
        if self.text.is_empty() {
            self.text.push('{');
        }
        self.text.push('}');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_with_its_exact_digits() {
        let mut switches = Switches::default();
        let shown = Json::new(&switches).num("a", 2_500_000).num("b", 105_000).dec("c", 1).null("d").end();
        assert_eq!(shown, r#"{"a":250.0,"b":10.5,"c":"0.0001","d":null}"#);
        switches.whole_numbers = true;
        let shown = Json::new(&switches).num("a", 2_500_000).text("b", "\"x").time("c", 999_999).end();
        assert_eq!(shown, r#"{"a":250,"b":"\"x","c":"1970-01-01T00:00:00Z"}"#);
        assert_eq!((Json::new(&switches).end(), list(["1".to_owned(), "2".to_owned()])), ("{}".into(), "[1,2]".into()));
    }
}
