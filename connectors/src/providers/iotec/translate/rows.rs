//! Rows of a wallet's own book (`providers/iotec.md`, section 9.4).
//!
//! Every row is kept as it is, to be checked against its neighbours. A row becomes a statement only where it belongs to
//! no collection and no payout (their status answers state their money), and only if its own arithmetic holds: the rows
//! of the official samples are filler. What no rule explains is a movement for a person.

use ensimbi_events::word::{Bearer, Component, Direction};
use ensimbi_events::words::payout::WithdrawalSucceeded;
use ensimbi_events::words::wallet::{FeeCharged, WalletFunded, WalletMovementReported};
use ensimbi_events::{Amount, Body, Currency, SubjectKind, Time};

use super::super::ROW;
use super::super::wire::{self, Operation, Record, Wallet, unreadable};
use super::record::{fee, time};
use crate::connector::{Input, Links, ObjectRef, RowSeen, Said, Translation, Unreadable};

/// Option: the currency of exported rows, which name none.
pub(in super::super) const CURRENCY: &str = "rows_currency";
/// Counted for a row whose balance is not its previous balance and its amount.
const DOES_NOT_ADD_UP: &str = "row_does_not_add_up";
/// Counted for a row inside an answer that cannot be read; the answer's own figures stand without it.
const UNREADABLE: &str = "row_unreadable";
/// Most rows of one export.
const ROWS_MAX: usize = 1_000;

/// A row that could be read.
pub(super) struct Parsed {
    pub(super) seen: RowSeen,
    /// Without its sign.
    pub(super) amount: Amount,
    pub(super) adds_up: bool,
    request_category: Option<String>,
    pub(super) created_at: Option<Time>,
}

impl Parsed {
    fn read(raw: &str) -> Result<Self, Unreadable> {
        let row: wire::Row<'_> = wire::object("transactions", raw)?;
        let amount = wire::amount("amount", row.amount)?;
        if amount.is_negative() {
            return Err(unreadable("amount", "negative; the operation gives the sign"));
        }
        let change = match Operation::of(&wire::required("operation", row.operation)?) {
            Operation::TopUp => Some(amount),
            Operation::Deduct => amount.checked_neg(),
            Operation::Other => return Err(unreadable("operation", "neither TopUp nor Deduct")),
        };
        let change = change.ok_or_else(|| unreadable("amount", "too large for the ledger"))?;
        let (previous, balance) =
            (wire::amount("previousBalance", row.previous_balance)?, wire::amount("balance", row.balance)?);
        let category = wire::required("category", row.category)?;
        let seen = RowSeen {
            id: wire::id("id", row.id)?,
            wallet: wallet(&row)?,
            number: wire::integer("transactionNumber", row.transaction_number)?,
            change,
            previous,
            balance,
            // A word of theirs is kept; free text may hold a name.
            category: if wire::is_word(&category) { category } else { "?".to_owned() },
            request: wire::optional_id("requestId", row.request_id)?,
        };
        let request_category = wire::text("requestCategory", row.request_category)?;
        let created_at = time("createdAt", row.created_at, &mut Vec::new()).flatten();
        Ok(Self { seen, amount, adds_up: previous.checked_add(change) == Some(balance), request_category, created_at })
    }

    /// Whether it is one of a collection's or a payout's rows.
    fn of_a_request(&self) -> bool {
        let is = |word: &str| matches!(word, "Collection" | "Disbursement");
        is(&self.seen.category) || self.request_category.as_deref().is_some_and(is)
    }

    /// What it says by itself, if it says anything.
    fn said(&self, currency: Currency) -> Option<Said> {
        if self.of_a_request() || !self.adds_up || self.amount.is_zero() {
            return None;
        }
        let own = self.seen.request.is_some() && self.request_category.as_deref().is_some_and(of_a_transfer);
        let (amount, row_id) = (self.amount, self.seen.id.clone());
        let body: Body = match (self.seen.category.as_str(), self.seen.change.is_negative()) {
            ("Deposit", false) => WalletFunded { amount, wallet_credit: amount, fees: Vec::new() }.into(),
            ("Liquidation", true) => {
                WithdrawalSucceeded { amount, wallet_debit: amount, attempt: None, fees: Vec::new() }.into()
            }
            ("TransactionCharge", true) if own => {
                let fees = vec![fee(Component::Provider, Bearer::Merchant, amount, currency, "transactions")];
                FeeCharged { payment_id: None, document: Some(row_id), fees }.into()
            }
            (category, out) => {
                let direction = if out { Direction::Out } else { Direction::In };
                WalletMovementReported { row_id, direction, amount, category: category.to_owned() }.into()
            }
        };
        Some(Said {
            object: ObjectRef { kind: ROW, id: Some(self.seen.id.clone()), reference: None },
            subject_kind: SubjectKind::Transfer,
            occurrence: String::new(),
            currency: Some(currency),
            wallet: self.seen.wallet.clone(),
            body,
            occurred_at: self.created_at,
            party: None,
            doubt: None,
            operator_transaction: None,
            links: Links::default(),
            confirms: false,
        })
    }
}

/// A charge is a fee by itself where its request is a top-up, a liquidation or itself.
fn of_a_transfer(request_category: &str) -> bool {
    matches!(request_category, "Deposit" | "Liquidation" | "TransactionCharge")
}

/// `walletId`, else the id in `wallet`.
fn wallet(row: &wire::Row<'_>) -> Result<Option<String>, Unreadable> {
    if let Some(named) = wire::optional_id("walletId", row.wallet_id)? {
        return Ok(Some(named));
    }
    let Some(raw) = row.wallet else { return Ok(None) };
    wire::optional_id("wallet.id", wire::object::<Wallet<'_>>("wallet", raw.get())?.id)
}

/// The rows of a record, each read or not. A list that is none counts as one row that cannot be read.
pub(super) fn of(record: &Record<'_>) -> Vec<Result<Parsed, Unreadable>> {
    let Some(raw) = record.transactions else { return Vec::new() };
    match wire::list("transactions", raw.get()) {
        Ok(elements) => elements.into_iter().map(|element| Parsed::read(element.get())).collect(),
        Err(why) => vec![Err(why)],
    }
}

/// Keeps the rows of a record.
pub(super) fn keep(record: &Record<'_>, translation: &mut Translation) {
    for row in of(record) {
        keep_one(row.ok(), translation);
    }
}

/// Keeps the rows of a record, and what those say that belong to something else.
pub(super) fn keep_and_tell(record: &Record<'_>, currency: Option<Currency>, translation: &mut Translation) {
    for row in of(record) {
        let row = row.ok();
        // A row that names this very record is told by it.
        let other = row.as_ref().filter(|row| !names(row, record)).zip(currency);
        translation.said.extend(other.and_then(|(row, currency)| row.said(currency)));
        keep_one(row, translation);
    }
}

fn keep_one(row: Option<Parsed>, translation: &mut Translation) {
    match row {
        None => translation.unknown.push(UNREADABLE.to_owned()),
        Some(row) => {
            if !row.adds_up {
                translation.unknown.push(DOES_NOT_ADD_UP.to_owned());
            }
            translation.rows.push(row.seen);
        }
    }
}

fn names(row: &Parsed, record: &Record<'_>) -> bool {
    let id = wire::text("id", record.id).ok().flatten();
    row.seen.request.as_deref().zip(id.as_deref()).is_some_and(|(named, id)| named.eq_ignore_ascii_case(id))
}

/// Rows as a person exports them: all of them are read, or none.
pub(super) fn exported(input: Input<'_>) -> Result<Translation, Unreadable> {
    let option = format!("options.{CURRENCY}");
    let code = input.options.get(CURRENCY).ok_or_else(|| unreadable(&option, "missing: rows name no currency"))?;
    let currency: Currency = code.parse().map_err(|_| unreadable(&option, "not a currency code"))?;
    let elements = wire::list("body", wire::body(input.body)?)?;
    if elements.len() > ROWS_MAX {
        return Err(unreadable("body", format!("more than {ROWS_MAX} rows; split the list")));
    }
    let mut translation = Translation::default();
    for (index, element) in elements.into_iter().enumerate() {
        let row =
            Parsed::read(element.get()).map_err(|why| unreadable(&format!("[{index}].{}", why.field), why.problem))?;
        translation.said.extend(row.said(currency));
        keep_one(Some(row), &mut translation);
    }
    Ok(translation)
}

/// What a record's rollback rows moved.
pub(super) struct RolledBack {
    pub(super) deducted: Amount,
    pub(super) topped_up: Amount,
}

/// The rollback rows of this object; `None` without such a row.
pub(super) fn rolled_back(record: &Record<'_>, object: &ObjectRef) -> Result<Option<RolledBack>, Unreadable> {
    let Some(raw) = record.transactions else { return Ok(None) };
    let odd = || unreadable("transactions", "a rollback row that cannot be read");
    let (mut sums, mut any) = (RolledBack { deducted: Amount::ZERO, topped_up: Amount::ZERO }, false);
    for element in wire::list("transactions", raw.get())? {
        let row: wire::Row<'_> = wire::object("transactions", element.get())?;
        let request = wire::text("transactions.requestId", row.request_id)?;
        let other = request.zip(object.id.as_deref()).is_some_and(|(named, id)| !named.eq_ignore_ascii_case(id));
        if other || wire::text("transactions.category", row.category)?.as_deref() != Some("Rollback") {
            continue;
        }
        let row = Parsed::read(element.get())?;
        if !row.adds_up {
            return Err(odd());
        }
        let sum = if row.seen.change.is_negative() { &mut sums.deducted } else { &mut sums.topped_up };
        *sum = sum.checked_add(row.amount).ok_or_else(odd)?;
        any = true;
    }
    Ok(any.then_some(sums))
}

/// What a payout that came to nothing left behind in its rows.
pub(super) enum Left {
    /// Nothing, or less than nothing was taken.
    Nothing,
    /// A fee was kept: how much, and the row that took it.
    Fee(Amount, Box<Parsed>),
    /// More than its fees is still out, or the rows cannot be read: too early to say.
    Unclear(&'static str),
}

/// Sums up the rows of a payout that failed.
pub(super) fn left(record: &Record<'_>, object: &ObjectRef) -> Left {
    let unclear = Left::Unclear;
    let (mut net, mut charged, mut charge) = (Amount::ZERO, Amount::ZERO, None);
    for row in of(record) {
        let Ok(row) = row else { return unclear("rows_unclear") };
        let request = row.seen.request.as_deref();
        let other = request.zip(object.id.as_deref()).is_some_and(|(named, id)| !named.eq_ignore_ascii_case(id));
        if other || !row.adds_up {
            continue;
        }
        let Some(sum) = net.checked_add(row.seen.change) else { return unclear("rows_unclear") };
        net = sum;
        if row.seen.category == "TransactionCharge" && row.seen.change.is_negative() {
            let Some(sum) = charged.checked_add(row.amount) else { return unclear("rows_unclear") };
            charged = sum;
            charge = Some(row);
        }
    }
    match (net.checked_neg(), charge) {
        (Some(kept), Some(row)) if kept.is_positive() && kept <= charged => Left::Fee(kept, Box::new(row)),
        (Some(kept), _) if kept.is_positive() => unclear("rows_not_returned"),
        (Some(kept), _) if kept.is_negative() => unclear("rows_return_more"),
        _ => Left::Nothing,
    }
}
