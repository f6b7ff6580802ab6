//! One PEM block (RFC 7468): its label and its bytes.
//!
//! Read leniently in what a copy through dashboards, JSON and TOML does to a key (literal backslash-n, CRLF, other line
//! widths, indentation, text before the block), strictly in everything else: one block, the same label at both ends, base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longest text of one key, in bytes. A key of 8192 bits takes about 1,500; a certificate of it seldom 6,000.
pub const PEM_BYTES_MAX: usize = 16 * 1024;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The block's label and content; `None` where the text is no single PEM block.
pub(super) fn block(text: &str) -> Option<(String, Vec<u8>)> {
    if text.len() > PEM_BYTES_MAX {
        return None;
    }
    // A key that went through JSON twice has its newlines as two characters; base64 and labels hold no backslash.
    let text = text.replace("\\r", "\r").replace("\\n", "\n");
    let (_, rest) = text.split_once(BEGIN)?;
    let (label, rest) = rest.split_once(DASHES)?;
    let (base64, rest) = rest.split_once(END)?;
    let after = rest.strip_prefix(label)?.strip_prefix(DASHES)?;
    // Two keys in one text would leave it open which one is meant.
    if !after.trim().is_empty() {
        return None;
    }
    let base64: String = base64.split_ascii_whitespace().collect();
    Some((label.to_owned(), STANDARD.decode(base64).ok()?))
}
