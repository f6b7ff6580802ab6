//! What the paths of payouts and of the account do (provider facts, sections 6, 9.3, 10 and 11).

use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sqlx::SqliteConnection;

use super::collecting::{Fate, fate};
use super::csv::Filter;
use super::errors::{self, Wrong};
use super::http::Outcome;
use super::objects::{self, Kind, Object};
use super::purses::{self, Purse, part};
use super::service::{accepted, body, network, refused, sandbox, taken};
use super::steps::Rules;
use super::switches::PublicKeyForm;
use super::templates::{self, Money, Start};
use super::wrong::{self, ON_CREATION, ON_READING};
use super::{Moment, PaytotaSimulator, events, paying, request, statements};
use crate::simulator::Result;
use crate::simulator::faults::gate;

/// How long an execution URL is good, where the switch says that it ends.
const URL_LIFETIME: Duration = Duration::from_secs(86_400);

/// The body of an execution; `phone` alone is the first generation's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Execution {
    payout_type: String,
    bank_name: String,
    bank_code: String,
    bank_account_name: String,
    bank_account_number: String,
    phone: String,
}

impl Execution {
    fn bank(&self) -> Option<Value> {
        let texts = [&self.bank_name, &self.bank_code, &self.bank_account_name, &self.bank_account_number];
        let fits = texts.iter().all(|text| !text.is_empty() && text.chars().count() <= 128);
        fits.then(|| {
            json!({
                "bank_code": self.bank_code, "bank_name": self.bank_name, "account_name": self.bank_account_name,
                "account_number": self.bank_account_number,
            })
        })
    }
}

type Why = (&'static str, &'static str);

/// By which method a payout goes, to which phone, and to which bank.
fn terminal(
    rules: Rules<'_>,
    of: &Object,
    terminal: &str,
    asked: &Execution,
) -> std::result::Result<(&'static str, String, Option<Value>), Why> {
    let invalid = ("validation_phone_invalid", "The phone number is invalid.");
    let digits = |phone: &str| (9..=15).contains(&phone.len()) && phone.bytes().all(|byte| byte.is_ascii_digit());
    let party = of.party.clone();
    match terminal {
        "paytota_proxy" if asked.payout_type == "mobile" && digits(&party) => Ok(("paytota_proxy", party, None)),
        "paytota_proxy" if asked.payout_type == "mobile" => Err(invalid),
        "paytota_proxy" if asked.payout_type == "bank" => match asked.bank() {
            Some(bank) => Ok(("paytota_proxy", party, Some(bank))),
            None => Err(("general_transaction_error", "Bank name, code, account name and number are needed.")),
        },
        "paytota_proxy" => Err(("general_transaction_error", "payout_type is mobile or bank.")),
        _ if rules.faults.switches.v1_disabled => Err(("no_matching_terminal", "terminal disabled")),
        // Airtel without the country's prefix, MTN with it (provider facts, section 3).
        "airtel" => match format!("256{}", asked.phone) {
            phone if digits(&phone) && network(&phone) == "AIRTEL" => Ok(("airtel", phone, None)),
            _ => Err(invalid),
        },
        "mtnmomo" if digits(&asked.phone) && network(&asked.phone) == "MTN" => {
            Ok(("mtnmomo", asked.phone.clone(), None))
        }
        "mtnmomo" => Err(invalid),
        _ => Err(("unknown_payment_method", "Unknown payment method.")),
    }
}

impl PaytotaSimulator {
    pub(super) async fn create_payout(&self, key: Option<&str>, bytes: &[u8]) -> Result<Outcome> {
        let Some(mut tx) = self.authorised(key).await? else { return Ok(self.unauthorised()) };
        let moment = self.moment();
        let asked = match request::payout(bytes, &self.settings) {
            Ok(asked) => asked,
            Err(wrongs) => return Ok(refused(&moment, &wrongs)),
        };
        let rules = moment.rules(&self.settings);
        let sharing = objects::sharing(&mut tx, Kind::Payout, &asked.reference).await?;
        if rules.faults.switches.unique_references && sharing > 0 && !asked.reference.is_empty() {
            return Ok(refused(&moment, &[taken()]));
        }
        let drawn = gate(&mut tx, rules.faults, "payout", &asked.reference, &ON_CREATION).await?;
        if let Some(drawn) = drawn.filter(wrong::is_undone) {
            return self.end(tx, Some(drawn), StatusCode::OK, String::new()).await;
        }
        let of = payout(&mut tx, rules, &moment, asked, sharing).await?;
        let text = body(rules.faults, &of, rules.base, None);
        self.end(tx, drawn, StatusCode::CREATED, text).await
    }

    /// Executes a payout. The key is asked for where a bank is paid; a wrong one is refused everywhere.
    pub(super) async fn execute_payout(
        &self,
        key: Option<&str>,
        (id, path): (&str, &str),
        bytes: &[u8],
    ) -> Result<Outcome> {
        let asked: Execution = serde_json::from_slice(bytes).unwrap_or_default();
        if (key.is_some() || asked.payout_type == "bank") && !self.is_key(key) {
            return Ok(self.unauthorised());
        }
        let mut tx = self.begin().await?;
        let moment = self.moment();
        let rules = moment.rules(&self.settings);
        let Some(mut of) = objects::by_id(&mut tx, Kind::Payout, id).await? else {
            return Ok(Outcome::Refused(errors::not_found(rules.faults)));
        };
        let no = |(code, message): Why| Ok(Outcome::Refused(errors::execute(rules.faults, code, message)));
        let (method, phone, bank) = match terminal(rules, &of, path, &asked) {
            Ok(found) => found,
            Err(why) => return no(why),
        };
        let old = rules.faults.switches.execution_url_expires && moment.now.since(of.created_at) > URL_LIFETIME;
        if old || !matches!(of.status(), "initialized" | "error") {
            return no(("general_transaction_error", "The payout cannot be executed now."));
        }
        let drawn = gate(&mut tx, rules.faults, "execute", &of.key, &wrong::ON_PAYING).await?;
        if let Some(drawn) = drawn.filter(wrong::is_undone) {
            return self.end(tx, Some(drawn), StatusCode::OK, String::new()).await;
        }
        method.clone_into(&mut of.method);
        of.party = phone;
        of.doc["_bank"] = bank.unwrap_or(Value::Null);
        let (gross, fee) = paying::takes(rules, &of);
        if paying::available(&mut tx, rules, &of.currency).await? < gross + fee {
            if rules.faults.switches.short_payout_fails && of.status() == "initialized" {
                let why = ("insufficient_funds", "Insufficient funds to proceed with operation.");
                paying::fail(&mut tx, rules, of, why, moment.now).await?;
            }
            self.core.commit(tx).await?;
            self.core.wake();
            return Ok(Outcome::Refused(wrong::short(rules.faults)));
        }
        let fate = match of.doc["_bank"].is_object() {
            // Nothing documents test accounts: they take the money.
            true => Fate::Succeeds,
            false => fate(&self.settings, &of.currency, &of.party),
        };
        paying::execute(&mut tx, rules, &mut of, fate, moment.now).await?;
        self.end(tx, drawn, StatusCode::OK, accepted(rules.faults, &of)).await
    }

    pub(super) async fn balance(&self, key: Option<&str>, currency: Option<&str>) -> Result<Outcome> {
        let Some(mut tx) = self.authorised(key).await? else { return Ok(self.unauthorised()) };
        let moment = self.moment();
        let rules = moment.rules(&self.settings);
        let mut map = Map::new();
        for one in &self.settings.currencies {
            if currency.is_none_or(|currency| currency == one.code) {
                map.insert(one.code.clone(), balance(&mut tx, rules, &one.code).await?);
            }
        }
        let drawn = gate(&mut tx, rules.faults, "balance", "", &ON_READING).await?;
        self.end(tx, drawn, StatusCode::OK, Value::Object(map).to_string()).await
    }

    pub(super) async fn public_key(&self, key: Option<&str>) -> Result<Outcome> {
        let Some(mut tx) = self.authorised(key).await? else { return Ok(self.unauthorised()) };
        let faults = self.faults();
        let drawn = gate(&mut tx, &faults, "public_key", "", &ON_READING).await?;
        let pem = self.keys().company.pem.clone();
        let text = match faults.switches.public_key {
            PublicKeyForm::JsonString => Value::String(pem).to_string(),
            PublicKeyForm::Object => json!({"public_key": pem}).to_string(),
            PublicKeyForm::RawPem => pem,
        };
        self.end(tx, drawn, StatusCode::OK, text).await
    }

    pub(super) async fn create_statement(&self, key: Option<&str>, query: &str, bytes: &[u8]) -> Result<Outcome> {
        let Some(mut tx) = self.authorised(key).await? else { return Ok(self.unauthorised()) };
        let moment = self.moment();
        let asked: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let Some("csv") = asked["format"].as_str() else {
            // xlsx exists on the sister platform; nothing reads it here.
            return Ok(refused(&moment, &[Wrong::field("format", "invalid_choice", "Only csv here.")]));
        };
        if asked.get("timezone").is_some_and(|zone| zone != "UTC") {
            return Ok(refused(&moment, &[Wrong::field("timezone", "invalid_choice", "Only UTC here.")]));
        }
        if let Err(field) = Filter::read(query) {
            return Ok(refused(&moment, &[Wrong::invalid(field)]));
        }
        let drawn = gate(&mut tx, &moment.faults, "statement", "", &ON_CREATION).await?;
        if let Some(drawn) = drawn.filter(wrong::is_undone) {
            return self.end(tx, Some(drawn), StatusCode::OK, String::new()).await;
        }
        let rules = moment.rules(&self.settings);
        let doc = statements::schedule(&mut tx, rules, ("csv", query), moment.now).await?;
        self.end(tx, drawn, StatusCode::CREATED, doc.to_string()).await
    }

    pub(super) async fn read_statement(&self, key: Option<&str>, id: &str) -> Result<Outcome> {
        let Some(mut tx) = self.authorised(key).await? else { return Ok(self.unauthorised()) };
        let moment = self.moment();
        let shown = statements::shown(&mut tx, moment.rules(&self.settings), id, moment.now).await?;
        let Some(doc) = shown else { return Ok(Outcome::Refused(errors::not_found(&moment.faults))) };
        let drawn = gate(&mut tx, &moment.faults, "read_statement", id, &ON_READING).await?;
        self.end(tx, drawn, StatusCode::OK, doc.to_string()).await
    }

    /// The file behind a link; `None` is a 403.
    pub(super) async fn statement_file(&self, id: &str, from: i64, signed: &str) -> Result<Option<String>> {
        let mut tx = self.begin().await?;
        let moment = self.moment();
        let found = statements::file(&mut tx, moment.rules(&self.settings), id, (from, signed), moment.now).await?;
        tx.commit().await?;
        Ok(found)
    }
}

/// Both purses of a currency as the answer has them, with the identities B1 to B4.
async fn balance(db: &mut SqliteConnection, rules: Rules<'_>, currency: &str) -> Result<Value> {
    let collections = purses::one(&mut *db, currency, Purse::Collections).await?;
    let payouts = purses::one(&mut *db, currency, Purse::Payouts).await?;
    purses::check(&collections)?;
    purses::check(&payouts)?;
    let available = paying::available(db, rules, currency).await?;
    Ok(json!({
        "gross_balance": collections.gross, "fee_sell": collections.fee, "balance": collections.balance,
        "reserved": collections.reserved, "pending_outgoing": collections.in_flight,
        "available_balance": collections.available, "payout_gross_balance": payouts.gross,
        "payout_fee_sell": payouts.fee, "payout_balance": payouts.balance, "pending_payouts": payouts.in_flight,
        "payout_overdraft": payouts.overdraft, "available_payout_balance": available,
    }))
}

async fn payout(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    moment: &Moment,
    asked: request::Payout,
    sharing: u64,
) -> Result<Object> {
    let key = format!("payout/{}#{}", asked.reference, sharing + 1);
    let id = rules.faults.draws().uuid("payout", &key, 0).to_string();
    let (is_test, operator) = sandbox(rules, &key, network(&asked.phone));
    let number = objects::count(&mut *db, "payout", 141).await?.to_string();
    let (brand_id, company_id) = (rules.settings.brand_id.to_string(), rules.settings.company_id.to_string());
    let start = Start {
        id: &id,
        is_test,
        brand_id: &brand_id,
        company_id: &company_id,
        reference: &asked.reference,
        reference_generated: if asked.reference.is_empty() { &number } else { &asked.reference },
        at: moment.now,
    };
    let fee = part(asked.amount, paying::fee_rate(rules.settings, asked.bank));
    let (amount, payment_type) = (asked.amount, "payout");
    let money = Money { amount, fee, pending: 0, unfreeze: None, outgoing: true, payment_type, paid: None };
    let doc = templates::payout(&start, asked.client, money.json(&asked.currency, &asked.description));
    let made = Object {
        seq: 0,
        kind: Kind::Payout,
        doc,
        id: id.clone(),
        key,
        reference: asked.reference.clone(),
        currency: asked.currency,
        amount,
        method: String::new(),
        party: asked.phone,
        operator,
        attempt: 0,
        in_flight: 0,
        parent: None,
        created_at: moment.now,
    };
    let mut made = objects::insert(&mut *db, made).await?;
    events::announce(db, rules, &mut made, "payout.created", moment.now).await?;
    Ok(made)
}
