//! A statement's file: CSV, one line a movement (`providers/paytota.md`, section 11).
//!
//! A line of a purchase or a payout is evidence beside its own read, and asks for that read, so that one nobody told us of
//! is found. A refund or chargeback says exactly what its push would have said, so a push that was lost is made good. What
//! was moved between purses is a transfer; whatever else moved is a movement for a person.
//! Bounds: [`LINES_MAX`] lines; a file is read whole or not at all, and a line that cannot be read is named.

use ensimbi_events::word::Direction;
use ensimbi_events::words::wallet::{PurseTransferred, StatementLineReported};
use ensimbi_events::{Amount, Currency, SubjectKind, Time, WalletId};
use uuid::Uuid;

use super::super::options::BRAND_ID;
use super::super::wire::{self, Unit, unreadable};
use super::super::{COLLECTIONS, PAYOUT, PAYOUTS, PURCHASE, ROW};
use super::columns::{Columns, Places};
use super::payment::{Kind, Moved, movement, tell};
use super::thing::said;
use super::{Policy, counted};
use crate::connector::{Input, Links, ObjectRef, Said, Translation, Unreadable, Watch};

/// Most lines of a file: each is a statement, and one set of bytes brings at most a thousand.
const LINES_MAX: usize = 900;

pub(super) fn read(input: Input<'_>, policy: &Policy) -> Result<Translation, Unreadable> {
    let columns = wire::option(Columns::of(input.options))?;
    let text = wire::body(input.body)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(true).flexible(false).from_reader(text.as_bytes());
    let odd = |line: usize| unreadable("statement", format!("line {line} is no line of this file"));
    let headings = reader.headers().map_err(|_| odd(1))?.clone();
    let places = columns.places(&headings)?;
    let mut translation = Translation::default();
    for (index, record) in reader.records().enumerate() {
        // The first line has the headings.
        let number = index + 2;
        if index >= LINES_MAX {
            let advice = "set options.statement_days to fewer days, or import it in parts";
            return Err(unreadable("statement", format!("more than {LINES_MAX} lines; {advice}")));
        }
        let record = record.map_err(|_| odd(number))?;
        let line = Line::read(&places, &record, policy);
        let line = line.map_err(|why| unreadable(&format!("statement line {number}, {}", why.field), why.problem))?;
        line.tell(&input, policy, &mut translation);
    }
    Ok(translation)
}

/// A line that could be read.
struct Line {
    moved: Moved,
    product: String,
    status: Option<String>,
    balance: Option<Amount>,
}

impl Line {
    fn read(places: &Places, record: &csv::StringRecord, policy: &Policy) -> Result<Self, Unreadable> {
        let text = |field: &str| places.text(record, field);
        let needed = |field: &str| text(field).ok_or_else(|| unreadable(field, "missing"));
        let id = |field: &str, text: &str| {
            let fits = wire::is_id(text).then(|| text.to_owned());
            fits.ok_or_else(|| unreadable(field, "expected an id"))
        };
        let currency: Currency =
            needed("currency")?.parse().map_err(|_| unreadable("currency", "not a currency code"))?;
        let unit = Unit { currency, known: &policy.currencies };
        let amount = |field: &str, text: &str| wire::digits(field, text, unit);
        let product = needed("product")?;
        if !wire::is_word(product) {
            return Err(unreadable("product", "expected a word"));
        }
        let outgoing = match needed("is_outgoing")? {
            "true" | "True" | "TRUE" | "1" => true,
            "false" | "False" | "FALSE" | "0" => false,
            _ => return Err(unreadable("is_outgoing", "expected true or false")),
        };
        let moved = Moved {
            id: id("id", needed("id")?)?,
            currency,
            amount: amount("amount", needed("amount")?)?,
            fee: text("fee_amount").map_or(Ok(Amount::ZERO), |text| amount("fee_amount", text))?,
            outgoing,
            at: text("paid_on").map(|text| moment("paid_on", text)).transpose()?,
            related: text("related_to").map(|text| id("related_to", text)).transpose()?,
            // As a push would say it, so that both are one fact.
            category: text("payment_type").filter(|word| wire::is_word(word)).unwrap_or(product).to_owned(),
        };
        // Read to be sure of them, and for nothing else.
        for field in ["net_amount", "pending_amount"] {
            text(field).map(|text| amount(field, text)).transpose()?;
        }
        let balance = text("balance").map(|text| amount("balance", text)).transpose()?;
        Ok(Self { moved, product: product.to_owned(), status: text("status").map(str::to_owned), balance })
    }

    /// Whether the money of this line moved; a status nobody knows is counted, and moved none.
    fn is_done(&self, unknown: &mut Vec<String>) -> bool {
        match self.status.as_deref() {
            None
            | Some(
                "success" | "paid" | "cleared" | "settled" | "pending_refund" | "refunded" | "charged_back"
                | "chargeback" | "retrieved",
            ) => true,
            Some(
                "created" | "sent" | "viewed" | "overdue" | "expired" | "pending_execute" | "pending_charge" | "hold"
                | "preauthorized" | "pending_capture" | "pending_release" | "released" | "cancelled" | "error"
                | "initialized" | "pending",
            ) => false,
            Some(other) => {
                unknown.push(counted("status", other));
                false
            }
        }
    }

    fn tell(self, input: &Input<'_>, policy: &Policy, translation: &mut Translation) {
        let own = match self.product.as_str() {
            "purchase" => Some((PURCHASE, SubjectKind::Payment, COLLECTIONS)),
            "payout" => Some((PAYOUT, SubjectKind::Payout, PAYOUTS)),
            _ => None,
        };
        let done = self.is_done(&mut translation.unknown);
        if let Some((kind, ..)) = own {
            // Whatever became of it, its own read says.
            let object = ObjectRef { kind, id: Some(self.moved.id.clone()), reference: None };
            translation.watch.push((object, Watch::Moved));
        }
        if !done {
            return;
        }
        let told = match (own, self.product.as_str()) {
            (Some((kind, subject, purse)), _) => {
                let object = ObjectRef { kind, id: Some(self.moved.id.clone()), reference: None };
                Some(self.line(object, subject, purse))
            }
            (None, "refund") => tell(Kind::Refund, &self.moved, policy.refund_fee, &mut translation.unknown),
            (None, "chargeback") => {
                // What comes back is a chargeback undone; its line has no other word.
                let kind = if self.moved.outgoing { Kind::Chargeback } else { Kind::ChargebackReversed };
                tell(kind, &self.moved, policy.refund_fee, &mut translation.unknown)
            }

            (None, "payout_balance_transfer") => Some(self.transfer()),
            (None, _) => Some(movement(&self.moved)),
        };
        let wallet = input.options.get(BRAND_ID).cloned();
        translation.said.extend(told.map(|told| Said { wallet, ..told }));
    }

    /// A line of what its own read states.
    fn line(&self, object: ObjectRef, subject: SubjectKind, purse: &'static str) -> Said {
        let moved = &self.moved;
        let direction = if moved.outgoing { Direction::Out } else { Direction::In };
        let (row_id, category) = (moved.id.clone(), self.product.clone());
        let body = StatementLineReported { row_id, direction, amount: moved.amount, category, balance: self.balance };
        Said {
            occurrence: moved.id.clone(),
            currency: Some(moved.currency),
            occurred_at: moved.at,
            links: Links { purse: Some(purse), ..Links::default() },
            ..said(object, subject, body.into())
        }
    }

    /// Between the two purses. A transfer is taken to be one line, told from the collections' side.
    fn transfer(&self) -> Said {
        let moved = &self.moved;
        let object = ObjectRef { kind: ROW, id: Some(moved.id.clone()), reference: None };
        let (from, to) = if moved.outgoing { (COLLECTIONS, PAYOUTS) } else { (PAYOUTS, COLLECTIONS) };
        // The door puts the purses' wallets here.
        let nobody = WalletId(Uuid::nil());
        let body = PurseTransferred {
            from: nobody,
            to: nobody,
            amount_out: moved.amount,
            amount_in: moved.amount,
            currency_in: moved.currency,
            fees: Vec::new(),
        };
        Said {
            currency: Some(moved.currency),
            occurred_at: moved.at,
            links: Links { purse: Some(from), to_purse: Some((to, moved.currency)), ..Links::default() },
            ..said(object, SubjectKind::Transfer, body.into())
        }
    }
}

/// Unix seconds, or a time with its zone.
fn moment(field: &str, text: &str) -> Result<Time, Unreadable> {
    match text.parse::<Time>() {
        Ok(at) => wire::seconds(field, &(at.micros() / 1_000_000).to_string()).map(|_| at),
        Err(_) => wire::seconds(field, text),
    }
}
