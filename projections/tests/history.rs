//! Random histories: invoices, discrepancies and open items against a recomputation that looks at the whole list of
//! events at once and shares nothing with the projections.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ensimbi_events::word::Recognition;
use ensimbi_events::{Body, Currency, Event, EventId, NoLines, SubjectId, SubjectKind, Time, leaf};
use ensimbi_projections::discrepancies::DiscrepancyRow;
use ensimbi_projections::invoices::{InvoiceRow, InvoiceState};
use ensimbi_projections::query::{
    AgeingBucket, AgeingQuery, DiscrepanciesQuery, InvoicesQuery, OpenItemsQuery, age_days,
};
use ensimbi_projections::{DiscrepanciesView, InvoicesView, OpenItemsView, Projector, Views, all};
use support::story::{Dice, story};
use support::{BOOK, Database, MemoryBook, Place, R, has_open_items, on_both};

const DAY_MICROS: i64 = 86_400_000_000;
/// Africa/Kampala, all year.
const OFFSET_MICROS: i64 = 3 * 3_600_000_000;

fn events(book: &MemoryBook) -> Vec<Event> {
    let mut events = Vec::new();
    book.change(|leaves| events.extend(leaves.iter().map(|stored| leaf::decode(&stored.leaf).unwrap())));
    events
}

/// Projects in random pages, checks that a rebuild in large ones gives the same rows, and hands over the views.
async fn views(place: &Place, book: &Arc<MemoryBook>, dice: &mut Dice) -> Views {
    let page = 1 + dice.below(400) as u32;
    let projector = Projector::new(place.open().await, book.clone(), all()).with_page(page);
    for progress in projector.catch_up(BOOK).await.unwrap() {
        assert_eq!((progress.lag, progress.stop), (0, None), "{}", progress.projection);
    }
    let rebuilding = Projector::new(projector.store().clone(), book.clone(), all()).with_page(1_000);
    for report in rebuilding.rebuild(None, None, &|_| {}).await.unwrap() {
        assert_eq!(report.equal, Some(true), "{}", report.projection);
    }
    Views::new(projector.store().clone())
}

async fn a_random_history_is_what_its_events_come_to(database: Database) {
    let mut states = BTreeSet::new();
    let seeds = if database == Database::Sqlite { 0..4 } else { 4..6 };
    for seed in seeds {
        let book = Arc::new(story(seed, 400));
        let place = Place::new(database).await;
        let views = views(&place, &book, &mut Dice::new(seed + 100)).await;
        let events = events(&book);
        let rows = invoices(&views, &events).await;
        states.extend(rows.iter().map(|row| row.state));
        ageing(&views, &events, &rows).await;
        discrepancies(&views, &events).await;
        open_items(&views, &events, &rows).await;
    }
    assert_eq!(states.len(), InvoiceState::ALL.len(), "some state never happened: {states:?}");
}

/// Every row against sums over all events; gives the rows.
async fn invoices(views: &Views, events: &[Event]) -> Vec<InvoiceRow> {
    let mut rows = Vec::new();
    let mut query = InvoicesQuery { limit: 7, ..InvoicesQuery::default() };
    loop {
        let list = views.invoices(BOOK, &query).await.unwrap();
        rows.extend(list.page.items.clone());
        query.before = list.page.items.last().map(|row| row.first_position);
        if !list.page.more {
            break;
        }
    }
    let known: BTreeSet<SubjectId> =
        events.iter().filter(|e| e.fact.subject_kind == SubjectKind::Invoice).map(|e| e.fact.subject).collect();
    assert_eq!(rows.iter().map(|row| row.invoice).collect::<BTreeSet<_>>(), known);
    for row in &rows {
        one_invoice(views, events, row).await;
    }
    rows
}

async fn one_invoice(views: &Views, events: &[Event], row: &InvoiceRow) {
    let id = row.invoice;
    let (mut total, mut on_publish, mut published, mut cancelled, mut expired) = (0, false, false, false, false);
    let [mut allocated, mut deallocated, mut credited, mut called_off, mut offline, mut adjusted, mut receivable] =
        [0i64; 7];
    let mut items: BTreeMap<String, (String, i64, i64)> = BTreeMap::new();
    let mut by_payment: BTreeMap<SubjectId, i64> = BTreeMap::new();
    for event in events {
        let lines = event.record.lines.0.iter().filter(|l| l.account == R && l.open_item == Some(id));
        let on_item: i64 = lines.map(|l| l.amount.scaled()).sum();
        receivable += on_item;
        match &event.fact.body {
            Body::PaymentAllocated(b) if b.invoice_id == Some(id) => {
                allocated += b.amount.scaled();
                *by_payment.entry(b.item).or_default() += b.amount.scaled();
            }
            Body::PaymentDeallocated(b) if b.invoice_id == Some(id) => {
                deallocated += b.amount.scaled();
                *by_payment.entry(b.item).or_default() -= b.amount.scaled();
            }
            Body::AdjustmentPosted(_) => adjusted += on_item,
            _ if event.fact.subject != id => {}
            Body::InvoicePublished(b) => {
                (published, total, on_publish) = (true, b.total.scaled(), b.recognition == Recognition::OnPublish);
            }
            Body::InvoiceExpired(_) => expired = true,
            Body::InvoiceCredited(b) => credited += b.amount.scaled(),
            Body::InvoiceCancelled(b) => (cancelled, called_off) = (true, called_off + b.amount.scaled()),
            Body::InvoicePaid(b) => offline += b.amount.scaled(),
            Body::InvoiceItemAdded(b) => {
                let tax = b.tax.map_or(0, |tax| tax.scaled());
                items.insert(b.item_id.clone(), (b.quantity.clone(), b.unit_amount.scaled(), tax));
            }
            Body::InvoiceItemChanged(b) => {
                items.insert(b.item_id.clone(), (b.quantity.clone(), b.unit_amount.scaled(), 0));
            }
            Body::InvoiceItemRemoved(b) => drop(items.remove(&b.item_id)),
            _ => {}
        }
    }
    // Law 5.
    let owed = total - allocated + deallocated - credited - called_off - offline + adjusted;
    let figures = [row.allocated, row.deallocated, row.credited, row.cancelled, row.offline, row.adjusted];
    assert_eq!(figures.map(|f| f.scaled()), [allocated, deallocated, credited, called_off, offline, adjusted]);
    assert_eq!((row.total.scaled(), row.outstanding.scaled()), (total, owed), "{id}");
    if on_publish {
        assert_eq!(receivable, owed, "{id}: the receivable item is what is owed");
    }
    let paid = allocated - deallocated + offline;
    let expected = if !published {
        if cancelled {
            InvoiceState::Cancelled
        } else if expired {
            InvoiceState::Expired
        } else {
            InvoiceState::Draft
        }
    } else if owed > 0 {
        if paid > 0 {
            InvoiceState::PartPaid
        } else if expired {
            InvoiceState::Expired
        } else {
            InvoiceState::Published
        }
    } else if cancelled {
        InvoiceState::Cancelled
    } else if paid > 0 {
        InvoiceState::Paid
    } else {
        InvoiceState::Credited
    };
    assert_eq!(row.state, expected, "{id}");
    assert_eq!(row.paid_at.is_some(), row.state == InvoiceState::Paid);

    let detail = views.invoice(BOOK, id).await.unwrap().value.unwrap();
    assert_eq!(&detail.invoice, row);
    let found: BTreeMap<String, (String, i64, i64)> = detail
        .items
        .iter()
        .map(|i| (i.item_id.clone(), (i.quantity.clone(), i.unit_amount.scaled(), i.tax.map_or(0, |t| t.scaled()))))
        .collect();
    assert_eq!((found, row.item_count as usize), (items.clone(), items.len()));
    // In thousandths of a quantity: the story's quantities have at most three places.
    let thousandths = |quantity: &str| match quantity {
        "1e3" => None,
        "2.5" => Some(2_500),
        "0.333" => Some(333),
        whole => whole.parse::<i64>().ok().map(|whole| whole * 1_000),
    };
    let amounts: Option<i64> = items
        .values()
        .map(|(quantity, unit, _)| {
            let product = unit * thousandths(quantity)?;
            (product % 1_000 == 0).then_some(product / 1_000)
        })
        .sum();
    assert_eq!(row.draft_total.map(|total| total.scaled()), amounts, "{id}");
    assert_eq!(row.draft_tax.scaled(), items.values().map(|(_, _, tax)| tax).sum::<i64>());
    let payments: BTreeMap<SubjectId, i64> = detail
        .payments
        .iter()
        .map(|payment| (payment.payment, payment.allocated.scaled() - payment.deallocated.scaled()))
        .collect();
    assert_eq!(payments, by_payment);
}

fn local_day(at: Time) -> i64 {
    (at.micros() + OFFSET_MICROS).div_euclid(DAY_MICROS)
}

fn due_day(row: &InvoiceRow) -> i64 {
    match &row.due {
        Some(due) => format!("{due}T00:00:00Z").parse::<Time>().unwrap().micros() / DAY_MICROS,
        None => local_day(row.published_at.unwrap()),
    }
}

async fn ageing(views: &Views, events: &[Event], rows: &[InvoiceRow]) {
    let last = events.last().unwrap().record.recorded_at;
    let basket =
        |row: &InvoiceRow| row.state == InvoiceState::Expired && row.recognition == Some(Recognition::OnPayment);
    let owed: Vec<&InvoiceRow> =
        rows.iter().filter(|r| r.published_at.is_some() && !r.outstanding.is_zero() && !basket(r)).collect();
    let moved = Time::from_micros(last.micros() - 45 * DAY_MICROS);
    for as_at in [None, Some(moved)] {
        let query = AgeingQuery { zone: None, as_at };
        let ageing = views.ageing(BOOK, &query).await.unwrap().value;
        let day = ageing.day.unwrap();
        assert_eq!((day.tz.as_str(), day.as_at), ("Africa/Kampala", as_at.unwrap_or(last)));
        let mut expected: BTreeMap<Currency, [(i128, u64); 5]> = BTreeMap::new();
        for row in &owed {
            let late = local_day(day.as_at) - due_day(row);
            let at = [0, 30, 60, 90].iter().filter(|limit| late > **limit).count();
            let bucket = &mut expected.entry(row.currency.unwrap()).or_default()[at];
            *bucket = (bucket.0 + i128::from(row.outstanding.scaled()), bucket.1 + 1);
        }
        let found: BTreeMap<Currency, [(i128, u64); 5]> = ageing
            .rows
            .iter()
            .map(|row| {
                assert!(row.buckets.iter().map(|b| b.0).eq(AgeingBucket::ALL.iter().copied()));
                assert_eq!(row.outstanding, row.buckets.iter().map(|b| b.1).sum::<i128>());
                (row.currency, std::array::from_fn(|at| (row.buckets[at].1, row.buckets[at].2)))
            })
            .collect();
        assert_eq!(found, expected);
        for row in ageing.rows {
            assert_eq!(row.receivable, on_account(events, R, row.currency));
        }
    }
    for overdue in [true, false] {
        let query = InvoicesQuery { overdue: Some(overdue), limit: 500, ..InvoicesQuery::default() };
        let list = views.invoices(BOOK, &query).await.unwrap();
        assert!(list.day.is_some() && !list.page.more);
        let late =
            |row: &&InvoiceRow| owed.contains(row) && row.outstanding.is_positive() && local_day(last) > due_day(row);
        let expected: Vec<&InvoiceRow> = rows.iter().filter(|row| late(row) == overdue).collect();
        assert_eq!(list.page.items.iter().collect::<Vec<_>>(), expected);
    }
}

/// The trial balance of one account.
fn on_account(events: &[Event], account: &str, currency: Currency) -> i128 {
    let lines = events.iter().flat_map(|event| &event.record.lines.0);
    lines.filter(|l| l.account == account && l.currency == currency).map(|l| i128::from(l.amount.scaled())).sum()
}

async fn discrepancies(views: &Views, events: &[Event]) {
    let query = DiscrepanciesQuery { limit: 500, ..DiscrepanciesQuery::default() };
    let page = views.discrepancies(BOOK, &query).await.unwrap();
    assert!(!page.more);
    let rows: BTreeMap<EventId, DiscrepancyRow> = page.items.into_iter().map(|row| (row.discrepancy, row)).collect();
    let mut raised = 0;
    for (at, event) in events.iter().enumerate() {
        if let Body::DiscrepancyRaised(body) = &event.fact.body {
            raised += 1;
            let row = &rows[&event.record.event_id];
            assert_eq!((row.kind, row.about, row.position), (body.kind, body.about, event.record.position));
            let verdict = events[at..].iter().find_map(|later| match &later.fact.body {
                Body::DiscrepancyResolved(b) if b.discrepancy == event.record.event_id => Some((b, later)),
                _ => None,
            });
            assert_eq!(row.verdict, verdict.map(|(body, _)| body.verdict));
            assert_eq!(row.resolved_position, verdict.map(|(_, later)| later.record.position));
            assert_eq!(row.target, verdict.and_then(|(body, _)| body.target.clone()));
        }
        // Law 7.
        if event.record.no_lines == Some(NoLines::Withheld) {
            let about = rows.values().filter(|row| row.about == Some(event.record.event_id));
            let holding: Vec<_> = about.filter(|row| row.withheld_word.is_some()).collect();
            assert_eq!(holding.len(), 1);
            assert_eq!(holding[0].withheld_position, Some(event.record.position));
            assert_eq!(holding[0].withheld_word.as_deref(), Some(event.fact.body.word()));
        }
    }
    assert_eq!(rows.len(), raised);
}

async fn open_items(views: &Views, events: &[Event], invoices: &[InvoiceRow]) {
    let mut expected: BTreeMap<(String, Currency, SubjectId), (i64, Time, Time)> = BTreeMap::new();
    for event in events {
        let at = event.context.occurred_at;
        for line in &event.record.lines.0 {
            assert_eq!(has_open_items(&line.account), line.open_item.is_some());
            let Some(item) = line.open_item else { continue };
            let row = expected.entry((line.account.clone(), line.currency, item)).or_insert((0, at, at));
            *row = (row.0 + line.amount.scaled(), row.1.min(at), row.2.max(at));
        }
    }
    expected.retain(|_, row| row.0 != 0);
    let mut query = OpenItemsQuery { limit: 9, ..OpenItemsQuery::default() };
    let (mut found, mut keys) = (BTreeMap::new(), Vec::new());
    let totals = loop {
        let list = views.open_items(BOOK, &query).await.unwrap();
        for row in &list.page.items {
            keys.push((row.account.clone(), row.currency.to_string(), row.opened_at, row.item));
            let days = (events.last().unwrap().record.recorded_at.micros() - row.opened_at.micros()) / DAY_MICROS;
            assert_eq!(age_days(row.opened_at, list.page.stamp.recorded_at.unwrap()), days as u64);
            assert_eq!(row.connection.is_some(), row.account.ends_with(":main"));
            let key = (row.account.clone(), row.currency, row.item);
            found.insert(key, (row.balance.scaled(), row.opened_at, row.last_at));
        }
        query.after = list.page.items.last().map(Into::into);
        if !list.page.more {
            break list.totals;
        }
    };
    assert!(keys.is_sorted() && keys.len() == found.len());
    assert_eq!(found, expected);
    for total in &totals {
        assert_eq!(total.balance, on_account(events, &total.account, total.currency), "{}", total.account);
    }
    let accounts: BTreeSet<_> = expected.keys().map(|key| (key.0.clone(), key.1)).collect();
    assert_eq!(totals.iter().map(|t| (t.account.clone(), t.currency)).collect::<BTreeSet<_>>(), accounts);
    let query = OpenItemsQuery { account: Some(R.into()), limit: 500, ..OpenItemsQuery::default() };
    let owed = invoices.iter().filter(|row| row.recognition == Some(Recognition::OnPublish));
    let owed = owed.filter(|row| !row.outstanding.is_zero()).map(|row| (row.invoice, row.outstanding));
    let items = views.open_items(BOOK, &query).await.unwrap().page.items;
    assert_eq!(items.iter().map(|row| (row.item, row.balance)).collect::<BTreeMap<_, _>>(), owed.collect());
}

on_both! {
    a_random_history_is_what_its_events_come_to,
}
