//! Bodies of the API as tables: which fields, in which order. What a body does not say is shown as a dash.

use serde_json::Value;

use crate::output;

/// A column: its title and the field, with dots inside objects.
pub type Column = (&'static str, &'static str);

/// A list as a table; `numbers` are amounts and counts, to the right.
pub fn list(items: &Value, texts: &[Column], numbers: &[Column]) -> String {
    let columns = || texts.iter().chain(numbers);
    let header: Vec<&str> = columns().map(|(title, _)| *title).collect();
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return "nothing".to_owned();
    }
    let row = |item: &Value| columns().map(|(_, field)| cell(item, field)).collect();
    output::table(&header, items.iter().map(row).collect(), texts.len())
}

/// One thing, a line for each of its fields; those that it does not have are left out.
pub fn fields(item: &Value) -> String {
    let mut rows = Vec::new();
    walk("", item, &mut rows);
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter().map(|(name, value)| format!("{name:<width$}  {value}")).collect::<Vec<_>>().join("\n")
}

fn walk(prefix: &str, item: &Value, rows: &mut Vec<(String, String)>) {
    for (name, value) in item.as_object().into_iter().flatten() {
        let name = if prefix.is_empty() { name.clone() } else { [prefix, ".", name].concat() };
        match value {
            Value::Null | Value::Array(_) => {}
            Value::Object(_) => walk(&name, value, rows),
            value => rows.push((name, plain(value))),
        }
    }
}

/// A field's text.
pub fn cell(item: &Value, field: &str) -> String {
    plain(field.split('.').fold(item, |value, key| &value[key]))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Which position the answer is true for, and of which book.
pub fn stamp(body: &Value) -> String {
    let mut line = format!("position {} of book {}", cell(body, "position"), cell(body, "book"));
    if let Some(cursor) = body["next_cursor"].as_str() {
        line.push_str(&format!("; more follow with --cursor {cursor}"));
    }
    line
}

/// What a reader must know besides: the view has stopped, or is behind the book.
pub fn note(body: &Value) -> Option<String> {
    let (position, head) = (body["position"].as_u64()?, body["head"].as_u64()?);
    let behind = head.saturating_sub(position);
    if body["stale"] == true {
        return Some(format!(
            "this view stopped at position {position} of {head}, before an event that it cannot apply; \
             `ensimbi doctor` says why, `ensimbi rebuild` fills it anew"
        ));
    }
    (behind > 0).then(|| format!("this view is {behind} events behind the book: position {position} of {head}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_shows_the_fields_asked_for_and_a_dash_for_what_is_not_there() {
        let items = json!([{"id": "a", "inner": {"amount": "24.5"}, "n": 3}, {"id": "b"}]);
        let shown = list(&items, &[("name", "id")], &[("amount", "inner.amount"), ("count", "n")]);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines.iter().any(|line| line.contains("name") && line.contains("amount")), "{shown}");
        assert!(lines.iter().any(|line| line.contains('a') && line.contains("24.5") && line.contains('3')), "{shown}");
        assert!(lines.iter().any(|line| line.contains('b') && line.matches('-').count() >= 2), "{shown}");
        assert_eq!(list(&json!([]), &[("name", "id")], &[]), "nothing");
    }

    #[test]
    fn an_answer_says_its_position_and_what_is_wrong_with_it() {
        let body = |position: u64, stale: bool| json!({"position": position, "head": 9, "stale": stale, "book": "b"});
        assert_eq!(stamp(&body(9, false)), "position 9 of book b");
        assert_eq!(note(&body(9, false)), None);
        assert!(note(&body(7, false)).is_some_and(|note| note.contains("2 events behind")));
        assert!(note(&body(7, true)).is_some_and(|note| note.contains("stopped at position 7 of 9")));
        assert!(stamp(&json!({"position": 1, "book": "b", "next_cursor": "x"})).ends_with("--cursor x"));
    }
}
