//! The sheets, in their order.

use ensimbi_events::config::BookConfig;
use ensimbi_events::{ConnectionId, Currency};
use ensimbi_projections::query::{
    FeeDimension, FeeGroup, FeesQuery, LIMIT_MAX, RowPages, Span, StatementQuery, ViewRow, age_days,
};

use super::book::Book;
use super::sheet::Cell;
use super::{Seen, failed};
use crate::exports::ExportError;

/// Accounts whose statements are written: ours at a provider, spendable or withheld.
const WALLETS: [&str; 2] = ["assets:wallet:", "assets:held:"];
const BY: [FeeDimension; 4] =
    [FeeDimension::Month, FeeDimension::Provider, FeeDimension::Connection, FeeDimension::Component];

/// What comes from accounts: fees, statements, balances.
pub(super) async fn of_accounts(seen: &Seen, book: &mut Book) -> Result<(), ExportError> {
    fees(seen, book).await?;
    statements(seen, book).await?;
    let columns = ["account", "path", "currency", "debit", "credit", "balance"];
    book.sheet("Trial balance", &columns).map_err(failed)?;
    for row in &seen.balances.accounts {
        let overflow = || ExportError::damaged("the trial balance leaves the range of totals");
        let balance = row.debit.checked_sub(row.credit).ok_or_else(overflow)?;
        let mut cells = vec![Cell::from(seen.names.get(&row.account)?), Cell::from(row.account.as_str())];
        cells.push(row.currency.as_str().into());
        cells.extend([row.debit, row.credit, balance].map(Cell::Figure));
        book.row(&cells).map_err(failed)?;
    }
    Ok(())
}

/// Fees by month, provider, connection, component, bearer, direction and currency.
async fn fees(seen: &Seen, book: &mut Book) -> Result<(), ExportError> {
    let columns = [
        "month",
        "provider",
        "connection",
        "connection_id",
        "component",
        "bearer",
        "direction",
        "currency",
        "count",
        "gross",
        "fees",
        "net",
        "rate_percent",
    ];
    book.sheet("Fees by month", &columns).map_err(failed)?;
    let query = FeesQuery { group_by: BY.to_vec(), span: Span::ALL, zone: None, known: Some(seen.position) };
    let report = seen.views.fees.fees(seen.book, &query).await?.value;
    if report.too_many {
        let text = "there are too many groups of fees for one sheet; export the table `fees` as CSV";
        return Err(ExportError::Settings(text.to_owned()));
    }
    for group in &report.groups {
        let key = |wanted: FeeDimension| {
            group.key.iter().find(|(dimension, _)| *dimension == wanted).and_then(|(_, value)| value.clone())
        };
        let connection = key(FeeDimension::Connection);
        let slug = connection.as_ref().and_then(|id| slug(&seen.config, id));
        let mut cells = vec![Cell::maybe(key(FeeDimension::Month)), Cell::maybe(key(FeeDimension::Provider))];
        cells.extend([Cell::maybe(slug), Cell::maybe(connection), Cell::maybe(key(FeeDimension::Component))]);
        cells.push(group.bearer.as_str().into());
        cells.push(Cell::maybe(group.direction.map(|word| word.as_str())));
        cells.push(group.currency.as_str().into());
        cells.extend(figures(group));
        book.row(&cells).map_err(failed)?;
    }
    Ok(())
}

fn figures(group: &FeeGroup) -> [Cell; 5] {
    let settled = group.volume.count > 0;
    [
        Cell::Count(group.volume.count),
        Cell::figure(settled.then_some(group.volume.gross)),
        Cell::Figure(group.amount),
        Cell::figure(group.net()),
        // Millionths of the whole are hundredths of a hundredth of a percent: the scale of figures.
        Cell::figure(group.rate_millionths()),
    ]
}

fn slug(config: &BookConfig, connection: &str) -> Option<String> {
    let id: ConnectionId = connection.parse().ok()?;
    config.connections.get(&id).map(|(_, settings)| settings.slug.clone())
}

/// Every wallet's lines with a running balance, by the time they happened.
async fn statements(seen: &Seen, book: &mut Book) -> Result<(), ExportError> {
    let columns = [
        "account",
        "currency",
        "line",
        "occurred_at",
        "book_date",
        "position",
        "n",
        "type",
        "subject",
        "payment_id",
        "amount",
        "balance",
    ];
    book.sheet("Wallet statements", &columns).map_err(failed)?;
    let wallets = seen.balances.accounts.iter();
    for row in wallets.filter(|row| WALLETS.iter().any(|root| row.account.starts_with(root))) {
        statement(seen, &row.account, row.currency, book).await?;
    }
    Ok(())
}

async fn statement(seen: &Seen, account: &str, currency: Currency, book: &mut Book) -> Result<(), ExportError> {
    let name = seen.names.get(account)?;
    let start = |kind: &str| vec![Cell::from(name), Cell::from(currency.as_str()), Cell::from(kind)];
    let mut query = StatementQuery {
        account: account.to_owned(),
        currency,
        span: Span::ALL,
        known: Some(seen.position),
        after: None,
        limit: LIMIT_MAX,
    };
    let mut first = true;
    loop {
        let page = seen.views.accounts.statement(seen.book, &query).await?.value;
        if first {
            let mut cells = start("opening");
            cells.extend(std::iter::repeat_n(Cell::Empty, 8));
            cells.push(Cell::Figure(page.opening));
            book.row(&cells).map_err(failed)?;
            first = false;
        }
        for line in &page.lines {
            let mut cells = start("line");
            cells.push(line.occurred_at.to_string().as_str().into());
            cells.push(line.book_date.as_str().into());
            cells.extend([Cell::Count(line.position), Cell::Count(u64::from(line.n))]);
            cells.push(line.word.as_str().into());
            cells.push(line.subject.to_string().as_str().into());
            cells.push(Cell::maybe(line.payment));
            cells.extend([Cell::from(line.amount), Cell::Figure(line.balance)]);
            book.row(&cells).map_err(failed)?;
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => {
                let mut cells = start("closing");
                cells.extend(std::iter::repeat_n(Cell::Empty, 8));
                cells.push(Cell::Figure(page.closing));
                return book.row(&cells).map_err(failed);
            }
        }
    }
}

/// Open items and invoices, from the snapshots that were opened at the position.
pub(super) async fn of_rows(
    seen: &Seen,
    mut open_items: Box<dyn RowPages>,
    mut invoices: Box<dyn RowPages>,
    book: &mut Book,
) -> Result<(), ExportError> {
    let (names, recorded_at) = (&seen.names, seen.recorded_at);
    let columns = ["account", "path", "item", "currency", "balance", "opened_at", "last_at", "age_days"];
    book.sheet("Open items", &columns).map_err(failed)?;
    loop {
        let page = open_items.next().await?;
        if page.is_empty() {
            break;
        }
        for row in page {
            let ViewRow::OpenItem(row) = row else { continue };
            let mut cells = vec![Cell::from(names.get(&row.account)?), Cell::from(row.account.as_str())];
            cells.extend([Cell::Text(row.item.to_string()), Cell::from(row.currency.as_str()), row.balance.into()]);
            cells.extend([Cell::Text(row.opened_at.to_string()), Cell::Text(row.last_at.to_string())]);
            cells.push(Cell::Count(age_days(row.opened_at, recorded_at)));
            book.row(&cells).map_err(failed)?;
        }
    }
    let columns = [
        "invoice",
        "state",
        "provider_id",
        "currency",
        "due",
        "total",
        "tax",
        "outstanding",
        "allocated",
        "deallocated",
        "credited",
        "cancelled",
        "offline",
        "adjusted",
        "published_at",
        "paid_at",
        "created_at",
    ];
    book.sheet("Invoices", &columns).map_err(failed)?;
    loop {
        let page = invoices.next().await?;
        if page.is_empty() {
            return Ok(());
        }
        for row in page {
            let ViewRow::Invoice(row) = row else { continue };
            let mut cells = vec![Cell::Text(row.invoice.to_string()), Cell::from(row.state.as_str())];
            cells.extend([Cell::maybe(row.object_id), Cell::maybe(row.currency), Cell::maybe(row.due)]);
            cells.extend([row.total, row.tax, row.outstanding, row.allocated, row.deallocated].map(Cell::from));
            cells.extend([row.credited, row.cancelled, row.offline, row.adjusted].map(Cell::from));
            cells.extend([row.published_at, row.paid_at, Some(row.created_at)].map(Cell::maybe));
            book.row(&cells).map_err(failed)?;
        }
    }
}
