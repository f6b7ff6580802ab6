//! What must not be sent: checks that orders have in common, before anything leaves us (`providers/paytota.md`, sections
//! 3 and 4.1). Their longest URL is the one that [`is_link`] allows.

use super::super::options::is_email;
use super::super::wire;
use super::Client;
pub(super) use crate::checks::{is_link, must, within};
use crate::connector::CallError;

/// Longest name (section 4.1) of a person and of a product.
pub(super) const NAME_MAX: usize = 128;
pub(super) const PRODUCT_MAX: usize = 256;

/// Countries that mobile money is offered in, by the digits before a number (section 3).
const COUNTRIES: [(&str, &str); 3] = [("256", "UG"), ("254", "KE"), ("251", "ET")];

/// Whether a reference of ours can be theirs too.
pub(super) fn reference(text: &str) -> Result<(), CallError> {
    let fits = (1..=wire::REFERENCE_MAX).contains(&text.chars().count());
    must(fits, "reference: expected 1 to 128 characters")
}

/// The other side as a request names it.
pub(super) struct Who {
    pub(super) email: String,
    pub(super) phone: Option<String>,
    pub(super) country: Option<String>,
}

impl Client {
    /// Phone in its one form, address and country; `field` is where the order has them.
    pub(super) fn who(&self, field: &str, phone: Option<&str>, email: Option<&str>) -> Result<Who, CallError> {
        let own = self.country.as_deref();
        let number = phone.map(|phone| canonical(phone, own));
        if number.as_ref().is_some_and(Option::is_none) {
            return Err(CallError::Refused(format!(
                "{field}.phone: expected a full number, with the digits of its country"
            )));
        }
        let phone = number.flatten();
        let email = email.or(self.email.as_deref()).filter(|email| is_email(email));
        let Some(email) = email else {
            return Err(CallError::Refused(format!(
                "{field}.email: expected an address, there or in options.client_email"
            )));
        };
        let prefixed = |phone: &String| COUNTRIES.iter().find(|(digits, _)| phone.starts_with(digits));
        let country = phone.as_ref().and_then(prefixed).map(|(_, country)| *country).or(own);
        Ok(Who { email: email.to_owned(), phone, country: country.map(str::to_owned) })
    }
}

/// Country code and number, without a plus sign (section 3). A number within its country needs the country of the options.
fn canonical(phone: &str, country: Option<&str>) -> Option<String> {
    let digits = phone.strip_prefix('+').unwrap_or(phone);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let full = match digits.strip_prefix('0').filter(|_| digits.len() == phone.len()) {
        None => digits.to_owned(),
        Some(local) => {
            let (prefix, _) = COUNTRIES.iter().find(|(_, word)| Some(*word) == country)?;
            format!("{prefix}{local}")
        }
    };
    // ITU-T E.164: at most 15 digits, none of which begins with 0.
    ((8..=15).contains(&full.len()) && !full.starts_with('0')).then_some(full)
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn numbers_have_one_form() {
        for (phone, country, sent) in [
            ("256770123456", None, Some("256770123456")),
            ("+256770123456", None, Some("256770123456")),
            ("0770123456", Some("UG"), Some("256770123456")),
            ("0790123456", Some("KE"), Some("254790123456")),
            ("0770123456", None, None),
            ("0770123456", Some("FR"), None),
            ("+0770123456", Some("UG"), None),
            ("256 770123456", None, None),
            ("2567701", None, None),
            ("2567701234567890", None, None),
            ("", None, None),
            ("25677012345é", None, None),
        ] {
            assert_eq!(canonical(phone, country).as_deref(), sent, "{phone}");
        }
    }
}
