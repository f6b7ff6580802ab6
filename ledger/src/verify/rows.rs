//! The pass by position: places, hashes, keys and rows beside the leaves, dates, the tree, the head, wallet sums.

use std::collections::{BTreeMap, HashMap};

use ensimbi_events::config::BookConfig;
use ensimbi_events::trial::Trial;
use ensimbi_events::{Body, Event, Hash, Time};

use super::{Run, Stop, Sums, bad, bad_cache};
use crate::decide::{KeyKind, Sealed};
use crate::store::{EventColumns, PAGE_MAX, StoreError};

fn period(event: &Event) -> Option<(u64, String, Hash)> {
    let (to, hash) = match &event.fact.body {
        Body::PeriodClosed(body) => (&body.to, body.trial_balance),
        Body::PeriodReopened(body) => (&body.to, body.trial_balance),
        _ => return None,
    };
    Some((event.record.position, to.clone(), hash))
}

impl Run<'_> {
    pub(super) async fn by_position(&mut self, progress: &mut (impl FnMut(u64) + Send)) -> Result<(), Stop> {
        let mut sums = Sums::default();
        let mut last = Time::from_micros(i64::MIN);
        while self.edge.size() < self.size {
            let after = self.edge.size();
            let page = self.page(after).await?;
            for sealed in &page {
                self.check_event(sealed, last)?;
                last = sealed.event.record.recorded_at;
                self.edge.push(sealed.leaf_hash);
                self.config.apply(&sealed.event);
                self.periods.extend(period(&sealed.event));
                sums.add(&self.config, &sealed.event)?;
            }
            self.check_rows(after, &page).await?;
            progress(self.edge.size());
        }
        self.check_periods().await?;
        self.check_head(last).await?;
        self.check_counts().await?;
        self.wallets = sums.balances;
        Ok(())
    }

    /// The trial balance that a period was closed or reopened with. The rows are those of the leaves: they were compared.
    async fn check_periods(&self) -> Result<(), Stop> {
        for (position, to, told) in &self.periods {
            let rows = self.store.balances_at(self.book, to, position - 1).await?;
            if Trial::from_iter(rows).hash(self.book, to) != *told {
                return Err(bad(*position, "the trial balance of the period is another"));
            }
        }
        Ok(())
    }

    fn check_event(&self, sealed: &Sealed, last: Time) -> Result<(), Stop> {
        let event = &sealed.event;
        let position = event.record.position;
        if event.record.recorded_at < last {
            return Err(bad(position, "recorded_at goes back"));
        }
        let configuration = if position == 1 { 1 } else { self.config.position };
        if event.record.configuration != configuration {
            return Err(bad(position, "the configuration position is another"));
        }
        if event.record.lines.0.is_empty() != event.record.no_lines.is_some() {
            return Err(bad(position, "no_lines contradicts the lines"));
        }
        let posting = if event.record.lines.0.is_empty() { None } else { event.fact.posting_key(self.book) };
        if event.record.posting_key != posting {
            return Err(bad(position, "the posting key does not follow from the fact"));
        }
        let derived = match event.record.cause {
            None => event.fact.event_id(self.book),
            Some(cause) => ensimbi_events::ids::made_event_id(cause, event.fact.body.word(), &sealed.fact_hash.0),
        };
        if event.record.event_id != derived {
            return Err(bad(position, "the event id does not follow from the fact"));
        }
        let mut sums: BTreeMap<_, i128> = BTreeMap::new();
        for line in &event.record.lines.0 {
            *sums.entry(line.currency).or_default() += i128::from(line.amount.scaled());
        }
        match sums.iter().find(|(_, sum)| **sum != 0) {
            Some((currency, _)) => Err(bad(position, format!("the entry is not zero in {currency}"))),
            None => Ok(()),
        }
    }

    /// Columns, line rows and keys of a page.
    async fn check_rows(&mut self, after: u64, page: &[Sealed]) -> Result<(), Stop> {
        let through = self.edge.size();
        let limit = u32::try_from(page.len()).unwrap_or(PAGE_MAX);
        let columns = match self.store.columns(self.book, after, limit).await {
            Err(StoreError::Damaged(reason)) => return Err(self.damaged(after, through, reason).await),
            other => other?,
        };
        let mut columns = columns.into_iter();
        for sealed in page {
            if columns.next() != Some(EventColumns::of(sealed)) {
                return Err(bad(sealed.event.record.position, "the columns beside the leaf are others"));
            }
        }
        let rows = match self.store.lines(self.book, after, through).await {
            Err(StoreError::Damaged(reason)) => return Err(self.damaged(after, through, reason).await),
            other => other?,
        };
        let mut rows = rows.into_iter().peekable();
        for sealed in page {
            let position = sealed.event.record.position;
            for line in &sealed.event.record.lines.0 {
                if rows.next_if(|(at, row)| *at == position && row == line).is_none() {
                    return Err(bad(position, format!("line {} beside the leaf is missing or another", line.n)));
                }
                self.lines += 1;
            }
            if rows.peek().is_some_and(|(at, _)| *at <= position) {
                return Err(bad(position, "a line beside the leaf that the leaf does not have"));
            }
        }
        self.check_keys(page).await
    }

    async fn check_keys(&mut self, page: &[Sealed]) -> Result<(), Stop> {
        let wanted: Vec<_> = page.iter().flat_map(|sealed| sealed.keys.iter().cloned()).collect();
        let found: HashMap<_, _> = self.store.keys_of(self.book, &wanted).await?.into_iter().collect();
        for sealed in page {
            let position = sealed.event.record.position;
            for key in &sealed.keys {
                let known = found.get(key);
                let ok = known.is_some_and(|known| {
                    known.position == position
                        && known.fact_hash == sealed.fact_hash
                        && known.leaf_hash == sealed.leaf_hash
                });
                if !ok {
                    let kind = match key.kind {
                        KeyKind::Event => "event id",
                        KeyKind::Posting => "posting key",
                        KeyKind::Operator => "operator's transaction",
                    };
                    return Err(bad(position, format!("its {kind} is missing or points elsewhere")));
                }
                self.keys += 1;
            }
        }
        Ok(())
    }

    async fn check_head(&self, last: Time) -> Result<(), Stop> {
        let Some(head) = self.store.head_row(self.book).await? else {
            let left = self.store.columns(self.book, 0, 1).await?;
            return left.first().map_or(Ok(()), |row| Err(bad(row.position, "an event of a book that has no head")));
        };
        // The writer may have gone on; then the tree was compared leaf by leaf and the next run compares the root.
        if head.size == self.size {
            let beyond = self.store.columns(self.book, self.size, 1).await?;
            if let Some(row) = beyond.first()
                && !self.overtaken().await?
            {
                return Err(bad(row.position, "an event beyond the head"));
            }
            if head.root != self.edge.root() || head.edge != self.edge.to_bytes() {
                return Err(bad_cache("the head's root or right edge is not that of the leaves"));
            }
            if self.size > 0 && (head.recorded_at != last || head.configuration != self.config.position) {
                return Err(bad_cache("the head's time or configuration is not that of the leaves"));
            }
            let config = self.store.config_row(self.book).await?;
            let stored = config.map(|text| serde_json::from_str::<BookConfig>(&text));
            let same = match stored {
                None => self.size == 0,
                Some(Ok(config)) => config == self.config,
                Some(Err(_)) => false,
            };
            if !same {
                return Err(bad_cache("the configuration row is not that of the leaves"));
            }
        } else if head.size < self.size {
            return Err(bad_cache("the head went back while it was read"));
        }
        Ok(())
    }

    async fn check_counts(&self) -> Result<(), Stop> {
        let head = self.store.head_row(self.book).await?;
        if head.is_none_or(|head| head.size != self.size) {
            return Ok(());
        }
        if self.store.key_count(self.book).await? != self.keys {
            return Err(bad_cache("there are keys that no event has"));
        }
        if self.store.line_count(self.book).await? != self.lines {
            return Err(bad_cache("there are lines that no event has"));
        }
        Ok(())
    }
}
