//! What creating, reading and executing a purchase do once a request is there: settle what is due, check the key, read,
//! gate of faults, work, commit. The answer comes after.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::errors::{self, Wrong};
use super::faults::{Fault, Faults};
use super::http::Outcome;
use super::objects::{self, Kind, Object};
use super::status::shown;
use super::steps::{self, Planned, Rules, What};
use super::templates::{self, Start, seconds};
use super::wrong::{self, Drawn, ON_CREATION, ON_READING};
use super::{Moment, PaytotaSimulator, attempts, collecting, events, hosted, request};
use crate::simulator::faults::gate;
use crate::simulator::{Result, work};

/// The JSON text of an object in an answer.
pub(super) fn body(faults: &Faults, of: &Object, base: &str, status: Option<&str>) -> String {
    let mut doc = shown(of, base);
    if let Some(map) = doc.as_object_mut() {
        if !faults.switches.event_type_in_answers {
            map.remove("event_type");
        }
        if let Some(status) = status {
            map.insert("status".to_owned(), status.into());
        }
        if faults.hits(Fault::ExtraFields, &of.key, 0) {
            map.insert("risk_assessment".to_owned(), json!({"score": 12, "labels": ["low"]}));
        }
    }
    doc.to_string()
}

/// Flag and operator of a new object (provider facts, section 3).
pub(super) fn sandbox(rules: Rules<'_>, key: &str, network: &str) -> (bool, String) {
    let unflagged = rules.faults.switches.sandbox_unflagged || rules.faults.hits(Fault::SandboxOperator, key, 0);
    let operator = if rules.settings.is_test || unflagged { "SANDBOX" } else { network };
    (rules.settings.is_test && !unflagged, operator.to_owned())
}

/// The network of a Ugandan number, as its operator is named.
pub(super) fn network(phone: &str) -> &'static str {
    match phone.strip_prefix("256").and_then(|rest| rest.get(..2)) {
        Some("70" | "74" | "75") => "AIRTEL",
        Some("76" | "77" | "78" | "39") => "MTN",
        _ => "OTHER",
    }
}

impl PaytotaSimulator {
    /// Starts an authorised request: everything due is applied first. `None` is a 401.
    pub(super) async fn authorised(&self, key: Option<&str>) -> Result<Option<Transaction<'static, Sqlite>>> {
        if !self.is_key(key) {
            return Ok(None);
        }
        self.begin().await.map(Some)
    }

    /// As [`Self::authorised`], where no key is asked for.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        work::settle(self, self.core.now()).await?;
        self.core.begin().await
    }

    pub(super) fn unauthorised(&self) -> Outcome {
        Outcome::Refused(errors::unauthorised(&self.faults()))
    }

    pub(super) async fn create_purchase(&self, key: Option<&str>, bytes: &[u8]) -> Result<Outcome> {
        let Some(mut tx) = self.authorised(key).await? else { return Ok(self.unauthorised()) };
        let moment = self.moment();
        let asked = match request::purchase(bytes, &self.settings) {
            Ok(asked) => asked,
            Err(wrongs) => return Ok(refused(&moment, &wrongs)),
        };
        let rules = moment.rules(&self.settings);
        let sharing = objects::sharing(&mut tx, Kind::Purchase, &asked.reference).await?;
        if rules.faults.switches.unique_references && sharing > 0 && !asked.reference.is_empty() {
            return Ok(refused(&moment, &[taken()]));
        }
        let drawn = gate(&mut tx, rules.faults, "purchase", &asked.reference, &ON_CREATION).await?;
        if let Some(drawn) = drawn.filter(wrong::is_undone) {
            return self.end(tx, Some(drawn), StatusCode::OK, String::new()).await;
        }
        let of = purchase(&mut tx, rules, &moment, asked, sharing).await?;
        // Whoever never got the link can send no payer to it.
        if drawn.is_none() {
            hosted::expect(&mut tx, rules, &of).await?;
        }
        let text = body(rules.faults, &of, rules.base, None);
        self.end(tx, drawn, StatusCode::CREATED, text).await
    }

    pub(super) async fn read_object(&self, key: Option<&str>, kind: Kind, id: &str) -> Result<Outcome> {
        let Some(mut tx) = self.authorised(key).await? else { return Ok(self.unauthorised()) };
        let moment = self.moment();
        let found = objects::by_id(&mut tx, kind, id).await?;
        let Some(of) = found else { return Ok(Outcome::Refused(errors::not_found(&moment.faults))) };
        let drawn = gate(&mut tx, &moment.faults, "read", &of.key, &ON_READING).await?;
        let unknown = drawn.is_some_and(|drawn| drawn.fault == Fault::UnknownStatus);
        let text = body(&moment.faults, &of, &moment.base, unknown.then_some(events::UNKNOWN_STATUS));
        match drawn {
            None => {
                // Nothing but counted questions was written; without any this costs no sync.
                tx.commit().await?;
                Ok(Outcome::Good(StatusCode::OK, text))
            }
            drawn => self.end(tx, drawn, StatusCode::OK, text).await,
        }
    }

    /// Commits and answers, perhaps spoilt.
    pub(super) async fn end(
        &self,
        tx: Transaction<'static, Sqlite>,
        drawn: Option<Drawn>,
        status: StatusCode,
        text: String,
    ) -> Result<Outcome> {
        self.core.commit(tx).await?;
        self.core.wake();
        Ok(Outcome::of(drawn, status, text))
    }

    /// Executes a purchase by form (provider facts, section 4.3): the second generation, or the first with its own
    /// phone.
    pub(super) async fn execute_purchase(
        &self,
        id: &str,
        fields: &std::collections::BTreeMap<String, String>,
    ) -> Result<Outcome> {
        let mut tx = self.begin().await?;
        let moment = self.moment();
        let Some(mut of) = objects::by_id(&mut tx, Kind::Purchase, id).await? else {
            return Ok(Outcome::Refused(errors::not_found(&moment.faults)));
        };
        let rules = moment.rules(&self.settings);
        let refused =
            |(code, message): (&str, &str)| Ok(Outcome::Refused(errors::execute(rules.faults, code, message)));
        let (method, phone) = match terminal(rules, &of, fields) {
            Ok(found) => found,
            Err(why) => return refused(why),
        };
        match of.status() {
            "created" | "sent" | "viewed" | "error" | "overdue" => {}
            "paid" | "refunded" | "hold" => return refused(("purchase_already_paid_for", "Already paid.")),
            _ => return refused(("general_transaction_error", "The purchase cannot be executed now.")),
        }
        let drawn = gate(&mut tx, rules.faults, "execute", &of.key, &wrong::ON_COLLECTING).await?;
        if let Some(drawn) = drawn.filter(wrong::is_undone) {
            return self.end(tx, Some(drawn), StatusCode::OK, String::new()).await;
        }
        of.party = phone;
        hosted::view(&mut tx, rules, &mut of, moment.now).await?;
        let fate = collecting::fate(&self.settings, &of.currency, &of.party);
        collecting::execute(&mut tx, rules, &mut of, method, Ok(fate), moment.now).await?;
        self.end(tx, drawn, StatusCode::OK, accepted(rules.faults, &of)).await
    }

    /// The page of a purchase: somebody looks at it.
    pub(super) async fn page(&self, id: &str) -> Result<Option<String>> {
        let mut tx = self.begin().await?;
        let moment = self.moment();
        let Some(mut of) = objects::by_id(&mut tx, Kind::Purchase, id).await? else { return Ok(None) };
        hosted::view(&mut tx, moment.rules(&self.settings), &mut of, moment.now).await?;
        self.core.commit(tx).await?;
        self.core.wake();
        let total = super::view::digits(of.amount, self.settings.currency(&of.currency).map_or(0, |one| one.exponent));
        Ok(Some(format!(
            "<!DOCTYPE html><html><head><title>Checkout</title></head><body><p>{} {total}: {}</p></body></html>",
            of.currency,
            of.status()
        )))
    }
}

pub(super) fn refused(moment: &Moment, wrongs: &[Wrong]) -> Outcome {
    Outcome::Refused(errors::refused(&moment.faults, StatusCode::BAD_REQUEST, wrongs))
}

/// The reference was used before.
pub(super) fn taken() -> Wrong {
    Wrong::field("reference", "unique", "This reference was used before.")
}

/// What an accepted execution answers (provider facts, section 4.3).
pub(super) fn accepted(faults: &Faults, of: &Object) -> String {
    json!({
        "status": "pending",
        "details": {
            "return_code": "200", "message": "Transaction received for processing",
            "transaction": {"status": "pending", "internal_reference": attempts::internal_reference(faults, of)},
        },
    })
    .to_string()
}

/// Makes the purchase, what it announces, and what will become of it if nobody does anything.
async fn purchase(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    moment: &Moment,
    asked: request::Purchase,
    sharing: u64,
) -> Result<Object> {
    let key = format!("purchase/{}#{}", asked.reference, sharing + 1);
    let draws = rules.faults.draws();
    let id = draws.uuid("purchase", &key, 0).to_string();
    let number = objects::count(&mut *db, "purchase", 1_418).await?;
    let (is_test, operator) = sandbox(rules, &key, network(&asked.phone));
    let (brand_id, company_id) = (rules.settings.brand_id.to_string(), rules.settings.company_id.to_string());
    let start = Start {
        id: &id,
        is_test,
        brand_id: &brand_id,
        company_id: &company_id,
        reference: &asked.reference,
        reference_generated: &format!("PT{number}"),
        at: moment.now,
    };
    let latest = seconds(moment.now.plus(rules.settings.due_after));
    let due = asked.due.filter(|due| *due > seconds(moment.now)).unwrap_or(latest);
    let mut parts = asked.asked;
    if parts.client_id.is_null() {
        let email = parts.client["email"].as_str().unwrap_or_default();
        parts.client_id = draws.uuid("client", email, 0).to_string().into();
    }
    let made = Object {
        seq: 0,
        kind: Kind::Purchase,
        doc: templates::purchase(&start, parts, due),
        id: id.clone(),
        key,
        reference: asked.reference,
        currency: asked.currency,
        amount: asked.total,
        method: String::new(),
        party: asked.phone,
        operator,
        attempt: 0,
        in_flight: 0,
        parent: None,
        created_at: moment.now,
    };
    let mut made = objects::insert(&mut *db, made).await?;
    events::announce(&mut *db, rules, &mut made, "purchase.created", moment.now).await?;
    let due = ensimbi_events::Time::from_micros(due.saturating_mul(1_000_000));
    steps::plan(db, Planned::of(made.seq, What::Due, due)).await?;
    Ok(made)
}

/// Method and phone of an execution; the error is its code and text.
fn terminal(
    rules: Rules<'_>,
    of: &Object,
    fields: &std::collections::BTreeMap<String, String>,
) -> std::result::Result<(&'static str, String), (&'static str, &'static str)> {
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let method = attempts::MOBILE.into_iter().find(|method| *method == field("pm"));
    let method = method.ok_or(("unknown_payment_method", "Unknown payment method."))?;
    let phone = match method {
        "paytota_proxy" if field("s2s") != "true" => return Err(("s2s_not_supported", "s2s is needed.")),
        "paytota_proxy" => of.party.clone(),
        _ if rules.faults.switches.v1_disabled => return Err(("no_matching_terminal", "terminal disabled")),
        _ => field("Phone").to_owned(),
    };
    if !hosted::MOBILE_CURRENCIES.contains(&of.currency.as_str()) || !hosted::allows(of, method) {
        return Err(("no_matching_terminal", "No terminal for this purchase."));
    }
    let digits = (9..=15).contains(&phone.len()) && phone.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match method {
        "airtel" => network(&phone) == "AIRTEL",
        "mtnmomo" => network(&phone) == "MTN",
        _ => true,
    };
    if digits && fits { Ok((method, phone)) } else { Err(("validation_phone_invalid", "The phone number is invalid.")) }
}
