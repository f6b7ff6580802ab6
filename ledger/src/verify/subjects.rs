//! The passes over the subjects: states by the fold, entries by the posting rules, reservations, law 7.

use std::collections::{BTreeMap, HashMap};

use ensimbi_events::config::BookConfig;
use ensimbi_events::{Event, NoLines, SubjectId, WalletId};

use super::{PAGE, Run, SUBJECTS_A_PASS, Stop, Sums, bad, bad_cache};
use crate::append::parse_state;
use crate::decide::WalletBalance;
use crate::decide::state::{self, Reservation, SubjectState};
use crate::posting::post;

impl Run<'_> {
    /// The rows of wallets against the sums of lines and open reservations, and the last event that moved each.
    async fn check_wallets(&self, sums: &BTreeMap<WalletId, WalletBalance>) -> Result<(), Stop> {
        let mut rows = self.store.wallet_rows(self.book).await?;
        if self.store.head_row(self.book).await?.is_some_and(|head| head.size != self.size) {
            return Ok(());
        }
        for (id, sum) in sums {
            if rows.remove(id) != Some(*sum) {
                return Err(bad_cache(format!("wallet {id}: its balances are not the sums of its lines and requests")));
            }
        }
        match rows.keys().next() {
            Some(id) => Err(bad_cache(format!("wallet {id}: no event moved it"))),
            None => Ok(()),
        }
    }

    /// States and entries, a bounded number of subjects at a time.
    pub(super) async fn by_subject(&mut self) -> Result<(), Stop> {
        let passes = self.size / SUBJECTS_A_PASS + 1;
        let mut wallets = std::mem::take(&mut self.wallets);
        for pass in 0..passes {
            let mine = |subject: SubjectId| bucket(subject, passes) == pass;
            let states = self.fold(mine, &mut wallets).await?;
            self.compare_states(states, mine).await?;
        }
        self.check_wallets(&wallets).await
    }

    async fn fold(
        &self,
        mine: impl Fn(SubjectId) -> bool,
        wallets: &mut BTreeMap<WalletId, WalletBalance>,
    ) -> Result<HashMap<SubjectId, SubjectState>, Stop> {
        let mut states: HashMap<SubjectId, SubjectState> = HashMap::new();
        let mut config = BookConfig::default();
        let mut sums = Sums::default();
        let mut after = 0;
        while after < self.size {
            for sealed in self.page(after).await? {
                let event = &sealed.event;
                after = event.record.position;
                if after == 1 {
                    config.apply(event);
                }
                let subject = event.fact.subject;
                let standing = sums.standing(event.fact.wallet);
                if mine(subject) {
                    check_entry(event, &config, states.entry(subject).or_default())?;
                }
                for id in state::touched(event).into_iter().filter(|id| mine(*id)) {
                    let state = states.entry(id).or_default();
                    let before = state.reservations.clone();
                    state::fold(id, state, &sealed, standing).map_err(|error| bad(after, error.to_string()))?;
                    if before != state.reservations {
                        reserve(wallets, &config, &before, true, after)?;
                        reserve(wallets, &config, &state.reservations, false, after)?;
                    }
                }
                config.apply(event);
                sums.add(&config, event)?;
            }
        }
        Ok(states)
    }

    async fn compare_states(
        &self,
        mut states: HashMap<SubjectId, SubjectState>,
        mine: impl Fn(SubjectId) -> bool,
    ) -> Result<(), Stop> {
        let head = self.store.head_row(self.book).await?;
        if head.is_none_or(|head| head.size != self.size) {
            return Ok(());
        }
        let mut after = None;
        loop {
            let rows = self.store.subject_rows(self.book, after, PAGE).await?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(*last);
            for (subject, text) in rows.into_iter().filter(|(subject, _)| mine(*subject)) {
                let stored = parse_state(subject, &text)?;
                let folded = states.remove(&subject).unwrap_or_default();
                let holds =
                    |event_id| folded.doubts.iter().filter(move |d| d.holds && d.about == Some(event_id)).count();
                if let Some(doubtful) = folded.withheld.iter().find(|(event_id, _)| holds(*event_id) != 1) {
                    let reason = format!("withheld event {} has not exactly one discrepancy", doubtful.0);
                    return Err(bad_cache(reason));
                }
                if stored != folded {
                    return Err(bad_cache(format!("subject {subject}: its state is not that of its events")));
                }
            }
        }
        match states.keys().next() {
            Some(subject) => Err(bad_cache(format!("subject {subject}: its state is missing"))),
            None => Ok(()),
        }
    }
}

/// The lines that the posting rules give, unless the record says why there are none.
fn check_entry(event: &Event, config: &BookConfig, state: &SubjectState) -> Result<(), Stop> {
    let position = event.record.position;
    if matches!(event.record.no_lines, Some(NoLines::Withheld | NoLines::BeforeOpening)) {
        return Ok(());
    }
    let lines = post(&event.fact, config, state).map_err(|error| bad(position, error.to_string()))?;
    if lines != event.record.lines {
        return Err(bad(position, "the lines are not those of the posting rules"));
    }
    Ok(())
}

fn bucket(subject: SubjectId, passes: u64) -> u64 {
    let mut low = [0; 8];
    low.copy_from_slice(&subject.as_bytes()[8..]);
    u64::from_be_bytes(low) % passes
}

/// What open reservations come to; they are kept with the subjects, so the lines do not tell.
fn reserve(
    wallets: &mut BTreeMap<WalletId, WalletBalance>,
    config: &BookConfig,
    list: &[Reservation],
    release: bool,
    position: u64,
) -> Result<(), Stop> {
    for reservation in list {
        let Some((_, _, currency)) = config.wallet(reservation.wallet) else {
            return Err(bad(position, "a reservation on a wallet that is not configured"));
        };
        let balance = wallets.entry(reservation.wallet).or_insert(WalletBalance::empty(currency));
        let sum = match release {
            true => balance.reserved.checked_sub(reservation.amount),
            false => balance.reserved.checked_add(reservation.amount),
        };
        balance.reserved = sum.ok_or_else(|| bad(position, "a reserved sum overflows"))?;
        // Passes come one after another, each from position 1: the last mover is the largest.
        balance.position = balance.position.max(position);
    }
    Ok(())
}
