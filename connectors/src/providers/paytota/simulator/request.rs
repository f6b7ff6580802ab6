//! Requests as the provider reads them (provider facts, sections 2, 4.1 and 6.1): amounts as whole numbers or as text
//! of them, quantities as decimals, lengths as documented. What is wrong is named by its field, all of it at once.

use serde_json::{Map, Value, json};

use super::attempts::{CARDS, MOBILE};
use super::errors::Wrong;
use super::hosted::MOBILE_CURRENCIES;
use super::settings::Settings;
use super::templates::{self, Asked, CLIENT_TEXTS};

/// Largest total, in the smallest unit.
const AMOUNT_MAX: i64 = 1_000_000_000_000;
const PRODUCTS_MAX: usize = 100;
const REFERENCE_MAX: usize = 128;
const URL_MAX: usize = 500;
const TEXT_MAX: usize = 2_000;
/// Currencies that cards take (provider facts, section 3).
const CARD_CURRENCIES: [&str; 15] =
    ["USD", "GBP", "CAD", "INR", "ZAR", "NGN", "MAD", "UGX", "TZS", "RWF", "KES", "XOF", "XAF", "EGP", "GHS"];

/// A purchase that was asked for.
pub(super) struct Purchase {
    pub(super) asked: Asked,
    pub(super) currency: String,
    pub(super) total: i64,
    pub(super) reference: String,
    pub(super) phone: String,
    pub(super) due: Option<i64>,
}

/// A payout that was asked for.
pub(super) struct Payout {
    pub(super) client: Value,
    pub(super) phone: String,
    pub(super) bank: bool,
    pub(super) currency: String,
    pub(super) amount: i64,
    pub(super) description: String,
    pub(super) reference: String,
}

type Checked<T> = std::result::Result<T, Vec<Wrong>>;

fn object(body: &[u8]) -> Checked<Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(vec![Wrong::whole("parse_error", "JSON parse error.")]),
    }
}

/// Collects what is wrong.
struct Reader<'a> {
    map: &'a Map<String, Value>,
    wrongs: Vec<Wrong>,
}

impl Reader<'_> {
    fn part(&mut self, name: &'static str) -> Map<String, Value> {
        match self.map.get(name) {
            Some(Value::Object(map)) => map.clone(),
            None => {
                self.wrongs.push(Wrong::required(name));
                Map::new()
            }
            Some(_) => {
                self.wrongs.push(Wrong::invalid(name));
                Map::new()
            }
        }
    }

    /// A text at the top, empty where it is absent or null.
    fn text(&mut self, name: &'static str, longest: usize) -> String {
        match self.map.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) if text.chars().count() <= longest => text.clone(),
            Some(_) => {
                self.wrongs.push(Wrong::invalid(name));
                String::new()
            }
        }
    }

    fn url(&mut self, name: &'static str) -> String {
        let text = self.text(name, URL_MAX);
        let fits =
            text.is_empty() || reqwest::Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !fits {
            self.wrongs.push(Wrong::field(name, "invalid", "Enter a valid URL."));
        }
        text
    }

    fn flag(&mut self, name: &'static str) -> bool {
        match self.map.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(yes)) => *yes,
            Some(_) => {
                self.wrongs.push(Wrong::invalid(name));
                false
            }
        }
    }

    fn brand(&mut self, settings: &Settings) {
        let brand = self.map.get("brand_id").and_then(Value::as_str);
        match brand {
            None => self.wrongs.push(Wrong::required("brand_id")),
            Some(brand) if brand == settings.brand_id.to_string() => {}
            Some(_) => self.wrongs.push(Wrong::field("brand_id", "does_not_exist", "Brand does not exist.")),
        }
    }

    fn client(&mut self) -> Value {
        let client = self.part("client");
        if client.get("email").and_then(Value::as_str).is_none_or(|email| !email.contains('@')) {
            self.wrongs.push(Wrong::field("client", "invalid", "email: Enter a valid email address."));
        }
        for (name, longest) in CLIENT_TEXTS {
            let fits = match client.get(name) {
                None | Some(Value::Null) => true,
                Some(Value::String(text)) => text.chars().count() <= longest,
                Some(_) => false,
            };
            if !fits {
                self.wrongs.push(Wrong::field("client", "invalid", format!("{name}: A valid value is required.")));
            }
        }
        templates::client(&client)
    }

    fn currency(&mut self, field: &'static str, part: &Map<String, Value>, settings: &Settings) -> String {
        let first = settings.currencies.first().map_or("", |one| one.code.as_str());
        let code = match part.get("currency") {
            // Follows the brand.
            None | Some(Value::Null) => first,
            Some(code) => code.as_str().unwrap_or_default(),
        };
        if settings.currency(code).is_none() {
            self.wrongs.push(Wrong::field(field, "invalid_choice", "currency: not offered."));
        }
        code.to_owned()
    }
}

/// A whole number, written as one or as text of one.
fn whole(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) if text.len() <= 20 => text.parse().ok(),
        _ => None,
    }
    .filter(|amount| (0..=AMOUNT_MAX).contains(amount))
}

/// A decimal of at most so many places, as a whole number of the last one.
fn decimal(value: Option<&Value>, places: usize, absent: i64) -> Option<i64> {
    let text = match value {
        None | Some(Value::Null) => return Some(absent),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return None,
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || !digits(whole) || fraction.len() > places || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}

/// A product with every key, and what it adds to the total.
fn product(given: &Value) -> Option<(Value, i128)> {
    let name = given["name"].as_str().filter(|name| !name.is_empty() && name.chars().count() <= 256)?;
    let price = whole(given.get("price"))?;
    let quantity = decimal(given.get("quantity"), 4, 10_000)?;
    let discount = given.get("discount").map_or(Some(0), |discount| whole(Some(discount)))?;
    let tax = decimal(given.get("tax_percent"), 2, 0)?;
    let fixed = match given.get("total_price_override") {
        None | Some(Value::Null) => None,
        fixed => Some(whole(fixed)?),
    };
    // The rounding of the total is unknown; half up, once for the price and once for the tax.
    let half_up = |value: i128, by: i128| (value + by / 2) / by;
    let net = half_up(i128::from(price) * i128::from(quantity), 10_000) - i128::from(discount);
    let total = fixed.map_or(net + half_up(net.max(0) * i128::from(tax), 10_000), i128::from);
    if total < 0 {
        return None;
    }
    let shown = json!({
        "name": name, "price": price, "category": given["category"].as_str().unwrap_or_default(), "discount": discount,
        "quantity": format!("{}.{:04}", quantity / 10_000, quantity % 10_000),
        "tax_percent": format!("{}.{:02}", tax / 100, tax % 100), "total_price_override": fixed,
    });
    Some((shown, total))
}

/// Whether any method is left (provider facts, section 13: `purchase_no_available_payment_method`).
fn has_method(currency: &str, whitelist: Option<&[Value]>) -> bool {
    let allowed = |method: &str| whitelist.is_none_or(|list| list.iter().any(|one| one == method));
    let mobile = MOBILE_CURRENCIES.contains(&currency) && MOBILE.into_iter().any(allowed);
    mobile || (CARD_CURRENCIES.contains(&currency) && CARDS.into_iter().any(allowed))
}

/// Reads the creation of a purchase.
pub(super) fn purchase(body: &[u8], settings: &Settings) -> Checked<Purchase> {
    let map = object(body)?;
    let mut read = Reader { map: &map, wrongs: Vec::new() };
    read.brand(settings);
    let client_id = map.get("client_id").filter(|id| id.is_string()).cloned();
    let client = match (&client_id, map.contains_key("client")) {
        (Some(_), true) => {
            read.wrongs.push(Wrong::field("client", "invalid", "Give client or client_id, not both."));
            Value::Null
        }
        // There are no stored clients; one that is only named has nothing.
        (Some(_), false) => templates::client(&Map::new()),
        (None, _) => read.client(),
    };
    let part = read.part("purchase");
    let currency = read.currency("purchase", &part, settings);
    let given = part.get("products").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut products = Vec::with_capacity(given.len());
    let mut total = i128::from(part.get("debt").and_then(Value::as_i64).unwrap_or(0));
    for one in given {
        match product(one) {
            Some((shown, adds)) => {
                products.push(shown);
                total += adds;
            }
            None => read.wrongs.push(Wrong::field("purchase", "invalid", "products: A valid value is required.")),
        }
    }
    if given.is_empty() || given.len() > PRODUCTS_MAX {
        read.wrongs.push(Wrong::field("purchase", "invalid", "products: 1 to 100 are needed."));
    }
    if let Some(fixed) = part.get("total_override").filter(|fixed| !fixed.is_null()) {
        total = whole(Some(fixed)).map_or(-1, i128::from);
    }
    let skip_capture = read.flag("skip_capture");
    let total = i64::try_from(total).ok().filter(|total| (0..=AMOUNT_MAX).contains(total));
    if total.is_none_or(|total| total == 0 && !skip_capture) {
        read.wrongs.push(Wrong::field("purchase", "invalid", "total: out of range."));
    }
    if part.get("timezone").is_some_and(|zone| zone != "UTC") {
        read.wrongs.push(Wrong::field("purchase", "invalid_choice", "timezone: only UTC here."));
    }
    for name in ["notes", "email_message", "language"] {
        if part.get(name).and_then(Value::as_str).is_some_and(|text| text.chars().count() > TEXT_MAX) {
            read.wrongs.push(Wrong::field("purchase", "max_length", "A text is too long."));
        }
    }
    let whitelist = map.get("payment_method_whitelist").and_then(Value::as_array);
    if settings.currency(&currency).is_some() && !has_method(&currency, whitelist.map(Vec::as_slice)) {
        let message = "No payment method is available for this purchase.";
        read.wrongs.push(Wrong::whole("purchase_no_available_payment_method", message));
    }
    let reference = read.text("reference", REFERENCE_MAX);
    let mut top = vec![
        ("skip_capture", skip_capture.into()),
        ("send_receipt", read.flag("send_receipt").into()),
        ("creator_agent", read.text("creator_agent", 32).into()),
        ("payment_method_whitelist", whitelist.cloned().map_or(Value::Null, Value::Array)),
    ];
    for name in ["success_redirect", "failure_redirect", "cancel_redirect", "success_callback"] {
        top.push((name, read.url(name).into()));
    }
    let due = map.get("due").and_then(Value::as_i64);
    if !read.wrongs.is_empty() {
        return Err(read.wrongs);
    }
    let total = total.unwrap_or(0);
    let phone = client["phone"].as_str().unwrap_or_default().to_owned();
    let details = templates::details(&currency, products, total, &part);
    let asked = Asked { client, client_id: client_id.unwrap_or(Value::Null), purchase: details, top };
    Ok(Purchase { asked, currency, total, reference, phone, due })
}

/// Reads the creation of a payout.
pub(super) fn payout(body: &[u8], settings: &Settings) -> Checked<Payout> {
    let map = object(body)?;
    let mut read = Reader { map: &map, wrongs: Vec::new() };
    read.brand(settings);
    let client = read.client();
    let part = read.part("payment");
    let currency = read.currency("payment", &part, settings);
    let amount = whole(part.get("amount")).filter(|amount| *amount > 0);
    if amount.is_none() {
        read.wrongs.push(Wrong::field("payment", "invalid", "amount: A valid value is required."));
    }
    let description = part.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    if description.chars().count() > 256 {
        read.wrongs.push(Wrong::field("payment", "max_length", "description: too long."));
    }
    let reference = read.text("reference", REFERENCE_MAX);
    if !read.wrongs.is_empty() {
        return Err(read.wrongs);
    }
    let text = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
    let (phone, bank) = (text("phone"), !text("bank_account").is_empty());
    Ok(Payout { phone, bank, currency, amount: amount.unwrap_or(0), description, reference, client })
}

/// `{"amount": n}`, or nothing for all of it (provider facts, section 8).
pub(super) fn amount(body: &[u8]) -> Checked<Option<i64>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let map = object(body)?;
    match map.get("amount") {
        None | Some(Value::Null) => Ok(None),
        given => match whole(given).filter(|amount| *amount > 0) {
            Some(amount) => Ok(Some(amount)),
            None => Err(vec![Wrong::invalid("amount")]),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_costs_price_times_quantity_less_discount_plus_tax() {
        let total = |given: Value| product(&given).map(|(_, total)| total);
        assert_eq!(total(json!({"name": "A", "price": "500"})), Some(500));
        assert_eq!(total(json!({"name": "A", "price": 333, "quantity": "1.5"})), Some(500));
        assert_eq!(
            total(json!({"name": "A", "price": 100, "quantity": 2, "discount": 50, "tax_percent": "18"})),
            Some(177)
        );
        assert_eq!(total(json!({"name": "A", "price": 100, "total_price_override": 7})), Some(7));
        for bad in
            [json!({"name": "A", "price": "5.00"}), json!({"name": "", "price": 5}), json!({"name": "A", "price": -1})]
        {
            assert_eq!(total(bad.clone()), None, "{bad}");
        }
    }
}
