//! `ensimbi retranslate`: today's translators over all stored bytes, against what the ledger recorded of the same bytes.
//!
//! The door's observations come in pages (`Door::reread`), so memory does not grow with the door. Without `--record`
//! nothing is written, and the command runs beside a serving process; with it, the house is opened as for an import, and
//! each correction goes up as a claim with the observation as its evidence. Told again it is known, so a second run
//! records nothing.

mod book;
mod compare;
mod correct;
mod report;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::door::{Door, InboxState, NotRead, Reread, Today};
use ensimbi_events::bus::Outcome;
use ensimbi_events::ids::{Derivation, claim_id};
use ensimbi_events::word::OccurredSource;
use ensimbi_events::{Claim, Clock, Fact};
use ensimbi_ledger::store::Store;

use crate::args::RetranslateArgs;
use crate::clock::SystemClock;
use crate::exit::{Code, Failure, Outcome as Ending};
use crate::home::Home;
use crate::house::{House, Plan};
use crate::output;
use crate::settings::Settings;
use book::Recorded;
use compare::{Difference, compare};
use correct::{Money, correction};
use report::{Fate, Report};

/// Longest wait for the ledger's answer to one correction.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command.
pub async fn run(args: RetranslateArgs) -> Ending {
    if args.record { recording(&args).await } else { reading(&args).await }
}

async fn reading(args: &RetranslateArgs) -> Ending {
    let home = Home::to_read(&args.home, ".ensimbi");
    let settings = Settings::read(&home.config_file(), args.home.config.is_some())?;
    let (store, book) = home.existing_book().await?;
    let recorded = Recorded::open(Arc::clone(&store), book).await?;
    let mode =
        recorded.config.mode.ok_or_else(|| Failure::wrong("the book is not open yet; start `ensimbi serve` first"))?;
    let vault = home.vault(false)?;
    let door = home.door_with(book, vault, mode, settings.connections, args.allow_live_format_0).await?;
    if door.master_key_fits().await? == Some(false) {
        return Err(Failure::wrong("the door's rows were sealed under another master key"));
    }
    let mut run = Run { door: &door, book: recorded, report: Report::default(), record: false };
    let done = run.all(args).await;
    door.close().await;
    done?;
    run.finish(args)
}

async fn recording(args: &RetranslateArgs) -> Ending {
    let home = Home::to_write(&args.home, ".ensimbi")?;
    if home.existing_book_store().await?.is_none() {
        return Err(Failure::wrong(format!("there is no book in {}", home.folder.display())));
    }
    let settings = Settings::read(&home.config_file(), args.home.config.is_some())?;
    let plan = Plan::of_one_command(&home, settings, Arc::new(SystemClock), args.allow_live_format_0);
    let mut house = House::build(&home, plan).await?;
    house.start();
    let book = Recorded::open(Arc::clone(&house.store) as Arc<dyn Store>, house.book).await;
    let done = match book {
        Ok(book) => {
            let mut run = Run { door: &house.door, book, report: Report::default(), record: true };
            run.all(args).await.and_then(|()| run.finish(args))
        }
        Err(failure) => Err(failure),
    };
    house.catch_up().await;
    house.close().await;
    done
}

/// One run over the door.
struct Run<'a> {
    door: &'a Arc<Door>,
    book: Recorded,
    report: Report,
    record: bool,
}

impl Run<'_> {
    async fn all(&mut self, args: &RetranslateArgs) -> Result<(), Failure> {
        let only = match &args.connection {
            None => None,
            Some(text) => Some(self.door.connection(text).ok_or_else(|| {
                Failure::wrong(format!(
                    "--connection {text}: not in the configuration; expected one of {}, or the id of one",
                    self.door.slugs().join(", ")
                ))
            })?),
        };
        let bar = output::bar("retranslating", 0);
        let mut after = None;
        loop {
            let page = self.door.reread(only, after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.proof.observation);
            for seen in &page {
                self.one(seen).await?;
            }
            bar.inc(page.len() as u64);
        }
        bar.finish_and_clear();
        Ok(())
    }

    async fn one(&mut self, seen: &Reread) -> Result<(), Failure> {
        let counts = &mut self.report.counts;
        let translator = match &seen.today {
            Today::Read { translator, .. } => *translator,
            Today::Unreadable(reason) => {
                // What nobody could read then either is as it was.
                counts.unreadable += u64::from(seen.state != InboxState::Quarantined);
                tracing::warn!(observation = %seen.proof.observation, kind = seen.kind, reason, "unreadable today");
                "-"
            }
            Today::NotRead(why) => {
                let counted = match why {
                    NotRead::Erased => &mut counts.erased,
                    NotRead::NotConfigured => &mut counts.not_configured,
                    NotRead::New => &mut counts.waiting,
                };
                *counted += 1;
                return Ok(());
            }
        };
        counts.observations += 1;
        let compared = compare(&self.book, seen).await?;
        self.report.counts.same += compared.same;
        self.report.counts.unanswered += compared.unanswered;
        for difference in compared.differences {
            if !self.report.knows(&difference) {
                let fate = self.fate(seen, translator, &difference).await?;
                self.report.add(seen.proof.observation, translator, difference, fate);
            }
        }
        Ok(())
    }

    /// What becomes of a difference's money.
    async fn fate(&mut self, seen: &Reread, translator: &str, difference: &Difference) -> Result<Fate, Failure> {
        let standing = difference.event.as_ref().map_or(&[][..], |event| self.book.corrections(event.record.event_id));
        match correction(difference, standing, translator, &self.book.config) {
            Money::Correction(fact) if self.record => self.correct(seen, translator, *fact).await,
            money => Ok(Fate::unrecorded(money)),
        }
    }

    async fn correct(&mut self, seen: &Reread, translator: &str, fact: Fact) -> Result<Fate, Failure> {
        // The same correction of the same event is the same claim, whoever tells it and from which bytes.
        let source = Derivation::new("ensimbi.correction.1")
            .id(Some(self.book.id.0))
            .part(fact.occurrence.as_bytes())
            .part(&ensimbi_events::leaf::fact_hash(&fact).0)
            .uuid();
        let claim = Claim {
            id: claim_id(source, 0, translator),
            book: self.book.id,
            fact: fact.clone(),
            occurred_at: SystemClock.now(),
            occurred_source: OccurredSource::Ledger,
            translator: translator.to_owned(),
            evidence: Some(seen.proof.clone()),
            party: None,
            doubt: None,
            operator_transaction: None,
            confirms: false,
        };
        match self.door.correct(source, claim, PATIENCE).await? {
            Some(Outcome::Recorded { events }) => {
                let own = fact.event_id(self.book.id);
                let position = events.iter().find(|event| event.event_id == own).map(|event| event.position);
                let position =
                    position.ok_or_else(|| Failure::disagrees("a correction was answered without an event"))?;
                // Another run at the same moment may have been the n-th with another reading; the first stands.
                if !self.book.corrected_at(position, &fact).await? {
                    return Ok(Fate::Refused("another correction of it was recorded at the same moment".to_owned()));
                }
                Ok(Fate::Corrected(Box::new(fact), position))
            }
            Some(Outcome::Refused { code, detail }) => {
                Ok(Fate::Refused(format!("the ledger refuses it ({code}): {detail}")))
            }
            None => Err(Failure::not_to_be_had(
                "a correction is told, but the ledger has not answered yet; the same command again goes on",
            )),
        }
    }

    fn finish(&self, args: &RetranslateArgs) -> Ending {
        let (book, position, config) = (self.book.id, self.book.size, &self.book.config);
        let text = if args.out.json {
            self.report.json(book, position, config, args.diff).to_string()
        } else {
            self.report.text(book, position, config, args.diff)
        };
        output::deliver(args.out.output.as_deref(), &text)?;
        Ok(if self.report.agrees() { Code::Done } else { Code::Disagrees })
    }
}
