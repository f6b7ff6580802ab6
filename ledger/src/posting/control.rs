//! Lines that a person or an earlier decision wrote.

use ensimbi_events::config::BookConfig;
use ensimbi_events::event::Lines;
use ensimbi_events::word::Verdict;
use ensimbi_events::words::control::DiscrepancyResolved;
use ensimbi_events::{Amount, Fact};

use super::entry::signed;
use super::{Entry, PostingError, accounts};
use crate::decide::state::SubjectState;

/// Accept: the withheld fact's lines. Move: the suspense item to its target. Reject: none.
pub fn resolved(
    fact: &Fact,
    body: &DiscrepancyResolved,
    config: &BookConfig,
    subject: &SubjectState,
) -> Result<Lines, PostingError> {
    let doubt = subject.doubts.iter().find(|doubt| doubt.event_id == body.discrepancy);
    let doubt = doubt.ok_or(PostingError::Incomplete("the discrepancy is not open"))?;
    match body.verdict {
        Verdict::Reject => Ok(Lines::default()),
        Verdict::Accept => {
            let held = |event_id| doubt.holds && Some(event_id) == doubt.about;
            let withheld = subject.withheld.iter().find(|(event_id, _)| held(*event_id));
            // A discrepancy without a withheld fact (late success, other content) is acknowledged without lines.
            withheld.map_or_else(|| Ok(Lines::default()), |(_, fact)| super::post(fact, config, subject))
        }
        Verdict::Move => {
            let target = body.target.as_deref().filter(|path| accounts::is_path(path));
            let target = target.ok_or(PostingError::Incomplete("a move names the account it goes to"))?;
            let mut entry = Entry::new(fact, config);
            let suspense = accounts::suspense(entry.connection()?);
            entry.item(suspense, entry.subject(), signed(subject.suspense, true)?)?;
            entry.line(target.to_owned(), subject.suspense)?;
            entry.finish()
        }
    }
}

/// Copied in order; they must be paths and balance.
pub fn as_written(entry: &mut Entry<'_>, lines: &Lines) -> Result<(), PostingError> {
    for line in &lines.0 {
        if !accounts::is_path(&line.account) || line.amount.is_zero() {
            return Err(PostingError::Incomplete("a line needs an account path and an amount that is not zero"));
        }
        if accounts::has_open_items(&line.account) != line.open_item.is_some() {
            return Err(PostingError::Incomplete(
                "a line names its open item where, and only where, its account has them",
            ));
        }
        entry.as_written(line);
    }
    Ok(())
}

/// As written; memo accounts only in pairs that are zero among themselves.
pub fn adjustment(entry: &mut Entry<'_>, lines: &Lines) -> Result<(), PostingError> {
    as_written(entry, lines)?;
    let memo = lines.0.iter().filter(|line| line.account.starts_with("equity:memo:"));
    let currencies: std::collections::BTreeSet<_> = memo.clone().map(|line| line.currency).collect();
    for currency in currencies {
        let amounts = memo.clone().filter(|line| line.currency == currency).map(|line| line.amount);
        let sum = Amount::checked_sum(amounts).ok_or(PostingError::Overflow)?;
        if !sum.is_zero() {
            return Err(PostingError::Unbalanced { amount: sum, currency });
        }
    }
    Ok(())
}
