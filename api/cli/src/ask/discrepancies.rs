//! `ensimbi discrepancies` and `ensimbi open-items`: what a person must look at, and a person's verdict.

use std::sync::Arc;

use ensimbi_events::ids::Derivation;
use serde_json::{Value, json};

use super::tables::{cell, fields, list};
use super::{Desk, deliver, encoded, one};
use crate::args::{DiscrepanciesArgs, DiscrepancyCommand, OpenItemsArgs, ResolveArgs};
use crate::clock::SystemClock;
use crate::exit::{Failure, Outcome};
use crate::home::Home;
use crate::house::{House, Plan};
use crate::settings::Settings;

/// Longest id of who decides.
const ACTOR_MAX: usize = 100;

/// `ensimbi discrepancies`.
pub async fn discrepancies(args: DiscrepanciesArgs) -> Outcome {
    if let Some(DiscrepancyCommand::Resolve(args)) = args.command {
        return resolve(args).await;
    }
    let desk = Desk::to_read(&Home::to_read(&args.home, ".ensimbi")).await?;
    if let Some(id) = &args.id {
        let body = desk.get(&one("discrepancies", id), &[]).await?;
        return deliver(&args.out, &body, |body| fields(&body["discrepancy"]));
    }
    let query = [
        ("state", args.state),
        ("kind", args.kind),
        ("limit", args.page.limit.map(|limit| limit.to_string())),
        ("cursor", args.page.cursor),
    ];
    let body = desk.get("/v1/discrepancies", &query).await?;
    deliver(&args.out, &body, |body| {
        let texts = [
            ("id", "id"),
            ("kind", "kind"),
            ("state", "state"),
            ("raised", "raised_at"),
            ("about", "subject_kind"),
            ("subject", "subject"),
            ("currency", "stake_currency"),
        ];
        list(&body["items"], &texts, &[("stake", "stake")])
    })
}

/// `ensimbi open-items`.
pub async fn open_items(args: OpenItemsArgs) -> Outcome {
    let desk = Desk::to_read(&Home::to_read(&args.home, ".ensimbi")).await?;
    let query = [
        ("account", args.account),
        ("connection", args.connection.map(|text| desk.connection(&text)).transpose()?),
        ("currency", args.currency),
        ("limit", args.page.limit.map(|limit| limit.to_string())),
        ("cursor", args.page.cursor),
    ];
    let body = desk.get("/v1/open-items", &query).await?;
    deliver(&args.out, &body, |body| {
        let texts = [("account", "account"), ("waits for", "item"), ("since", "opened_at"), ("currency", "currency")];
        let items = list(&body["items"], &texts, &[("days", "age_days"), ("balance", "balance")]);
        let texts = [("account", "account"), ("oldest", "oldest_at"), ("currency", "currency")];
        let numbers = [
            ("items", "items"),
            ("balance", "balance"),
            ("trial balance", "trial_balance"),
            ("difference", "difference"),
        ];
        [items.as_str(), "\n", &list(&body["totals"], &texts, &numbers)].concat()
    })
}

/// `ensimbi discrepancies resolve`: the house is opened as for an import, and the route takes the verdict.
async fn resolve(args: ResolveArgs) -> Outcome {
    if !(1..=ACTOR_MAX).contains(&args.actor.len()) || !args.actor.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::wrong("--actor: expected an id of 1 to 100 printable characters without spaces"));
    }
    let verdict = match (&args.move_to, args.accept) {
        (Some(account), _) => json!({ "verdict": "move", "reason": args.reason, "target": account }),
        (None, true) => json!({ "verdict": "accept", "reason": args.reason }),
        (None, false) => json!({ "verdict": "reject", "reason": args.reason }),
    };
    // The same verdict once more is the same command, so whoever was interrupted may simply repeat it.
    let key = args.idempotency_key.clone().unwrap_or_else(|| {
        let parts = Derivation::new("ensimbi.cli.1").part(args.id.as_bytes()).part(args.actor.as_bytes());
        format!("cli:{}", parts.part(verdict.to_string().as_bytes()).uuid())
    });
    let home = Home::to_write(&args.home, ".ensimbi")?;
    if home.existing_book_store().await?.is_none() {
        return Err(Failure::wrong(format!("there is no book in {}", home.folder.display())));
    }
    let settings = Settings::read(&home.config_file(), args.home.config.is_some())?;
    let plan = Plan::of_one_command(&home, settings, Arc::new(SystemClock), args.allow_live_format_0);
    let mut house = House::build(&home, plan).await?;
    house.start();
    let path = format!("/v1/discrepancies/{}/resolve", encoded(&args.id));
    let sent = async { Desk::of(&house, &args.actor).await?.post(&path, &key, &verdict).await };
    let sent = sent.await;
    house.catch_up().await;
    house.close().await;
    let (body, complete) = sent?;
    if !complete {
        return Err(Failure::not_to_be_had(
            "taken, but the ledger has not answered yet; the same command again goes on",
        ));
    }
    crate::output::deliver(
        args.out.output.as_deref(),
        &if args.out.json { body.to_string() } else { sentences(&body) },
    )?;
    Ok(crate::exit::Code::Done)
}

fn sentences(body: &Value) -> String {
    let again = if body["repeated"] == true { " (it was recorded before)" } else { "" };
    let mut lines = vec![format!("discrepancy {}: resolved{again}", cell(body, "id"))];
    for fact in body["facts"].as_array().into_iter().flatten() {
        lines.push(format!("  {} at position {}", cell(fact, "type"), cell(fact, "event.position")));
        for made in fact["made"].as_array().into_iter().flatten() {
            lines.push(format!("  what follows from it at position {}", cell(made, "position")));
        }
    }
    lines.join("\n")
}
