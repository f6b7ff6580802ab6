//! Opening balances of wallets that no provider's read tells: the person of the story looks them up in the portal.

use ensimbi_connectors::connector::Capability;
use ensimbi_connectors::providers;
use ensimbi_events::commands::{CommandError, Commands, Origin, Telling};
use ensimbi_events::words::wallet::OpeningBalanceDeclared;
use ensimbi_events::{Body, Fact, SubjectId, SubjectKind, Time};
use ensimbi_projections::query::LIMIT_MAX;
use ensimbi_projections::{Views, WalletsView};

use super::Act;
use crate::exit::Failure;
use crate::house::House;

/// The route of openings, part of what a key is unique in; the API's own.
const ROUTE: &str = "openings";

/// Declares what is in each wallet that has no opening yet, where the provider offers no balance.
pub async fn declare(house: &House, acts: &[Act], views: &Views, now: Time) -> Result<(), Failure> {
    let rows = views.wallets(house.book, None, LIMIT_MAX).await?.items;
    for act in acts {
        let connector = providers::find(act.stage.provider());
        if connector.is_none_or(|one| one.facts().capabilities.contains(&Capability::Balance)) {
            continue;
        }
        for wallet in act.simulator.wallets().await.map_err(Failure::not_to_be_had)? {
            let code = act.code_of(&wallet);
            let row = rows.iter().find(|row| code == Some((row.account_code.clone(), row.code.clone())));
            // An earlier run on the same data has opened it.
            let Some(row) = row.filter(|row| row.occurred_at.is_none()) else { continue };
            let posted = wallet.balance;
            let body: Body = OpeningBalanceDeclared { as_of: now, posted, held: None }.into();
            let fact = Fact {
                subject: SubjectId(row.wallet.0),
                subject_kind: SubjectKind::Wallet,
                connection: Some(row.connection),
                wallet: Some(row.wallet),
                object_kind: None,
                object_id: None,
                occurrence: String::new(),
                currency: Some(row.currency),
                version: body.version(),
                body,
            };
            let origin = Origin { book: house.book, idempotency_key: format!("demo-opening-{}", row.wallet) };
            let text = format!("{} {posted}", row.wallet).into_bytes();
            let telling =
                Telling { route: ROUTE, body: text, facts: vec![(fact, Some(now))], party: None, evidence: None };
            match house.door.tell(&origin, &telling).await {
                // Told by a run that was killed before the ledger answered: it stands.
                Ok(_) | Err(CommandError::IdempotencyConflict) => {}
                Err(why) => return Err(Failure::not_to_be_had(why)),
            }
        }
    }
    Ok(())
}
