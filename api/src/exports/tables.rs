//! The tables of `csv`: which there are, their columns, and a record for each row.

mod log;
mod views;

use ensimbi_events::money::scaled_text;
use ensimbi_projections::query::ViewTable;

use super::csv::{self, Form, Record};
use super::leaves::Log;
use super::out::Out;
use super::{ExportError, Input};
use crate::word::words;

words! {
    /// A table.
    Table {
        /// One row a line of an entry.
        Entries = "entries",
        /// One row an event, with its fact.
        Events = "events",
        /// Every account's debits and credits.
        TrialBalance = "trial_balance",
        /// Wallets with their balances.
        Wallets = "wallets",
        /// Payments, refunds, payouts and transfers.
        Payments = "payments",
        /// One row a line on a fee account.
        Fees = "fees",
        /// Invoices.
        Invoices = "invoices",
        /// What waits for an id.
        OpenItems = "open_items",
        /// Contradictions, and what was decided.
        Discrepancies = "discrepancies",
    }
}

impl Table {
    /// The view it is read from; the others come from the log.
    pub const fn view(self) -> Option<ViewTable> {
        match self {
            Self::Entries | Self::Events | Self::TrialBalance => None,
            Self::Wallets => Some(ViewTable::Wallets),
            Self::Payments => Some(ViewTable::Payments),
            Self::Fees => Some(ViewTable::Fees),
            Self::Invoices => Some(ViewTable::Invoices),
            Self::OpenItems => Some(ViewTable::OpenItems),
            Self::Discrepancies => Some(ViewTable::Discrepancies),
        }
    }

    /// The names of its columns.
    pub(super) const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Entries => log::ENTRIES,
            Self::Events => log::EVENTS,
            Self::TrialBalance => &["account", "currency", "debit", "credit", "balance"],
            Self::Wallets => views::WALLETS,
            Self::Payments => views::PAYMENTS,
            Self::Fees => views::FEES,
            Self::Invoices => views::INVOICES,
            Self::OpenItems => views::OPEN_ITEMS,
            Self::Discrepancies => views::DISCREPANCIES,
        }
    }
}

/// Writes a table with its header and trailer.
pub(super) async fn write(
    table: Table,
    from: Input,
    log: &mut Log<'_>,
    form: Form,
    out: &mut Out<'_>,
) -> Result<(), ExportError> {
    let columns = table.columns();
    let width = columns.len();
    csv::header(out, columns);
    match from {
        Input::Balances(balances) => {
            for row in &balances {
                let overflow = || ExportError::damaged("the trial balance leaves the range of totals");
                let balance = row.debit.checked_sub(row.credit).ok_or_else(overflow)?;
                let mut record = Record::new(&mut out.buffer, form);
                record.text(&row.account);
                record.text(row.currency.as_str());
                [row.debit, row.credit, balance].iter().for_each(|value| record.number(&scaled_text(*value)));
                end(record, width)?;
                out.rows += 1;
                out.pass().await?;
            }
        }
        Input::View(mut pages) => {
            let total = pages.total();
            loop {
                let page = pages.next().await?;
                if page.is_empty() {
                    break;
                }
                for row in &page {
                    let mut record = Record::new(&mut out.buffer, form);
                    views::row(row, &mut record);
                    end(record, width)?;
                    out.rows += 1;
                    out.pass().await?;
                }
                out.progress(out.rows, total);
            }
        }
        Input::Leaves | Input::Journal(_) | Input::Workbook(_) => {
            log.each(out, |out, event, stored| {
                let rows = if table == Table::Entries {
                    log::entries(event, form, &mut out.buffer, width)?
                } else {
                    log::event(event, stored, form, &mut out.buffer, width)?
                };
                out.rows += rows;
                Ok(())
            })
            .await?;
        }
    }
    csv::trailer(out, width);
    Ok(())
}

/// Ends a record, which must be as wide as the header.
fn end(record: Record<'_>, width: usize) -> Result<(), ExportError> {
    let cells = record.end();
    if cells == width { Ok(()) } else { Err(ExportError::damaged(format!("a row of {cells} cells under {width}"))) }
}
