//! What a purchase asks for: an invoice with its products (`providers/paytota.md`, sections 2, 4.1 and 5).
//!
//! Every body of a purchase repeats how it began, from fields that never change: drafted, one item a product, published.
//! Its total is theirs; items are stated only where they come to it exactly, since their rule of rounding is unknown, and
//! the ledger wants both to agree. A line is stated as given where quantity x price is all of it; with a tax, a discount
//! or a price of its own it is stated as one piece of its whole price. Nothing is rounded.

use ensimbi_events::word::Recognition;
use ensimbi_events::words::invoice::{
    InvoiceCancelled, InvoiceDrafted, InvoiceExpired, InvoiceItemAdded, InvoicePaid, InvoicePaymentStarted,
    InvoicePublished,
};
use ensimbi_events::{Amount, Body, Currency, SubjectKind, Time, owed};

use super::super::wire::{self, Details, Product, Unit};
use super::thing::Reading;
use crate::connector::{ObjectRef, Said, Unreadable};

/// Most items of an invoice that the ledger takes.
const ITEMS_MAX: usize = 200;
/// An abandoned basket is no income (`bookkeeping.md` 6).
const WHEN: Recognition = Recognition::OnPayment;

/// What a purchase asks for.
pub(super) struct Bill {
    total: Amount,
    tax: Amount,
    items: Vec<InvoiceItemAdded>,
}

/// A product as a line.
struct Line {
    item: InvoiceItemAdded,
    total: Amount,
    tax: Amount,
}

impl Bill {
    /// `None` where nothing is asked for (an authorisation of a card alone has total 0).
    pub(super) fn of(details: &Details<'_>, total: Amount, unit: Unit<'_>, unknown: &mut Vec<String>) -> Option<Self> {
        if !total.is_positive() {
            return None;
        }
        let bare = Self { total, tax: Amount::ZERO, items: Vec::new() };
        let products: Vec<Product<'_>> = match wire::inner_objects("purchase.products", details.products) {
            Ok(products) => products,
            Err(_) => {
                unknown.push("purchase.products".to_owned());
                return Some(bare);
            }
        };
        let tax = |product: &Product<'_>| product.tax_percent.map(|raw| wire::number("tax_percent", Some(raw)));
        let taxed = products.iter().filter_map(tax).any(|percent| !percent.is_ok_and(Amount::is_zero));
        match lines(&products, details, unit).filter(|lines| sum(lines, |line| line.total) == Some(total)) {
            Some(lines) => {
                let tax = sum(&lines, |line| line.tax).unwrap_or_default();
                Some(Self { tax, items: lines.into_iter().map(|line| line.item).collect(), ..bare })
            }
            None => {
                unknown.push(if taxed { "tax_not_derivable" } else { "items_not_derivable" }.to_owned());
                Some(bare)
            }
        }
    }
}

fn sum(lines: &[Line], of: impl Fn(&Line) -> Amount) -> Option<Amount> {
    Amount::checked_sum(lines.iter().map(of))
}

/// The products, and what was owed before; `None` where one of them cannot be told exactly.
fn lines(products: &[Product<'_>], details: &Details<'_>, unit: Unit<'_>) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    for product in products {
        lines.push(line(product, unit, lines.len() + 1)?);
    }
    let debt = wire::amount_or_zero("debt", details.debt, unit).ok()?;
    if !debt.is_zero() {
        lines.push(piece(debt, Amount::ZERO, lines.len() + 1));
    }
    let fits = lines.len() <= ITEMS_MAX && lines.iter().all(|line| !line.item.unit_amount.is_negative());
    fits.then_some(lines)
}

/// price x quantity - discount, and tax on that, as they compute a total (section 2).
fn line(product: &Product<'_>, unit: Unit<'_>, number: usize) -> Option<Line> {
    let price = wire::amount("price", product.price, unit).ok()?;
    let quantity = match product.quantity {
        None => "1".to_owned(),
        Some(raw) => wire::unquoted(raw.get()).to_owned(),
    };
    let gross = owed::line_total(&quantity, price).ok()?;
    let discount = wire::amount_or_zero("discount", product.discount, unit).ok()?;
    let net = match product.total_price_override {
        None => gross.checked_sub(discount)?,
        given => wire::amount("total_price_override", given, unit).ok()?,
    };
    let percent = match product.tax_percent {
        None => Amount::ZERO,
        given => wire::number("tax_percent", given).ok()?,
    };
    if percent.is_zero() && net == gross {
        let item = InvoiceItemAdded { item_id: number.to_string(), quantity, unit_amount: price, tax: None };
        return Some(Line { item, total: gross, tax: Amount::ZERO });
    }
    let tax = share(net, percent, unit)?;
    Some(piece(net.checked_add(tax)?, tax, number))
}

/// One piece at its whole price.
fn piece(total: Amount, tax: Amount, number: usize) -> Line {
    let tax_inside = Some(tax).filter(|tax| !tax.is_zero());
    let item =
        InvoiceItemAdded { item_id: number.to_string(), quantity: "1".to_owned(), unit_amount: total, tax: tax_inside };
    Line { item, total, tax }
}

/// So many per cent of an amount, if that is a whole number of smallest units.
fn share(of: Amount, percent: Amount, unit: Unit<'_>) -> Option<Amount> {
    if percent.is_negative() || of.is_negative() {
        return None;
    }
    let hundred = i128::from(Amount::whole(100).scaled());
    let product = i128::from(of.scaled()).checked_mul(i128::from(percent.scaled()))?;
    let share = (product % hundred == 0).then_some(product / hundred)?;
    let share = Amount::from_scaled(i64::try_from(share).ok()?);
    unit.known.units(share, unit.currency).map(|_| share)
}

/// Which invoice, in which currency, and the purchase's status.
type Of<'a> = (ObjectRef, Currency, &'a str);

fn said(reading: &Reading<'_>, of: &Of<'_>, body: Body, at: Option<Time>) -> Result<Said, Unreadable> {
    let said = reading.said(&of.0, SubjectKind::Invoice, body)?;
    // An invoice is in no wallet.
    Ok(Said { wallet: None, currency: Some(of.1), occurred_at: at, ..said })
}

/// How it began, and whether somebody began to pay: the same in every body.
pub(super) fn opened(bill: &Bill, of: Of<'_>, reading: &mut Reading<'_>) -> Result<Vec<Said>, Unreadable> {
    let created = reading.history("created").first().copied();
    let due = reading.moment("due", reading.thing.due);
    // The date in UTC: the first ten characters of the moment's one form.
    let due = due.and_then(|due| due.to_string().get(..10).map(str::to_owned));
    let (total, tax) = (bill.total, bill.tax);
    let published = InvoicePublished { total, tax, recognition: WHEN, due, party_id: None };
    let mut bodies: Vec<Body> = vec![InvoiceDrafted { party_id: None }.into()];
    bodies.extend(bill.items.iter().cloned().map(Body::from));
    bodies.push(published.into());
    let mut all = Vec::new();
    for body in bodies {
        let occurrence = match &body {
            Body::InvoiceItemAdded(item) => item.item_id.clone(),
            _ => String::new(),
        };
        all.push(Said { occurrence, ..said(reading, &of, body, created)? });
    }
    let started = ["viewed", "pending_execute"].iter().flat_map(|status| reading.history(status)).min();
    if let Some(started) = started {
        all.push(said(reading, &of, InvoicePaymentStarted { payment_id: None }.into(), Some(started))?);
    }
    Ok(all)
}

/// How it ended, as far as this body tells. `paid`: what the collection brought in the invoice's currency, and when.
pub(super) fn closed(
    bill: &Bill,
    of: Of<'_>,
    paid: Option<(Amount, Option<Time>)>,
    reading: &Reading<'_>,
) -> Result<Option<Said>, Unreadable> {
    let (amount, tax, recognition) = (bill.total, bill.tax, WHEN);
    let when = |status: &str| reading.history(status).last().copied();
    if reading.channel == super::Channel::Created {
        return Ok(None);
    }
    let told: Option<(Body, Option<Time>)> = match of.2 {
        "expired" => Some((InvoiceExpired {}.into(), when("expired"))),
        "cancelled" => Some((InvoiceCancelled { amount, tax, recognition }.into(), when("cancelled"))),
        // A part that was captured pays a part, which its allocation tells.
        _ if paid.is_some_and(|(paid, _)| paid == amount) => {
            let at = paid.and_then(|(_, at)| at);
            Some((InvoicePaid { offline: false, amount, tax, recognition }.into(), at))
        }
        "paid" if wire::flag("marked_as_paid", reading.thing.marked_as_paid)? => {
            Some((InvoicePaid { offline: true, amount, tax, recognition }.into(), when("paid")))
        }
        _ => None,
    };
    told.map(|(body, at)| said(reading, &of, body, at)).transpose()
}
