//! The form of an execute call (`multipart/form-data`, RFC 7578): its text fields by name. Small and bounded; what is
//! not such a form has no fields.

use std::collections::BTreeMap;

const FIELDS_MAX: usize = 20;

/// The fields of a body, by the boundary of its content type.
pub(super) fn fields(content_type: &str, body: &[u8]) -> BTreeMap<String, String> {
    let (Some(boundary), Ok(text)) = (boundary(content_type), std::str::from_utf8(body)) else {
        return BTreeMap::new();
    };
    let boundary = format!("--{boundary}");
    let parts = text.split(boundary.as_str()).skip(1).take(FIELDS_MAX);
    parts.filter_map(field).collect()
}

fn boundary(content_type: &str) -> Option<String> {
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let found = parts.find_map(|part| part.strip_prefix("boundary="))?.trim_matches('"');
    (!found.is_empty() && found.len() <= 70).then(|| found.to_owned())
}

fn field(part: &str) -> Option<(String, String)> {
    let (head, value) = part.strip_prefix("\r\n")?.split_once("\r\n\r\n")?;
    let disposition =
        head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition: form-data"))?;
    let name = disposition.split(';').find_map(|one| one.trim().strip_prefix("name="))?.trim_matches('"');
    Some((name.to_owned(), value.strip_suffix("\r\n")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_form_are_read_and_nothing_else_is_a_form() {
        let body = "--x1\r\nContent-Disposition: form-data; name=\"s2s\"\r\n\r\ntrue\r\n--x1\r\n\
            Content-Disposition: form-data; name=\"pm\"\r\n\r\npaytota_proxy\r\n--x1--\r\n";
        let read = fields("multipart/form-data; boundary=x1", body.as_bytes());
        assert_eq!((read["s2s"].as_str(), read["pm"].as_str(), read.len()), ("true", "paytota_proxy", 2));
        assert!(fields("application/json", body.as_bytes()).is_empty());
        assert!(fields("multipart/form-data; boundary=other", body.as_bytes()).is_empty());
    }
}
