//! Rolling reserves: what a provider withholds of a payment, and when a balance shows that it let go of it.
//!
//! A date alone moves nothing (`providers/paytota.md` 16, rule 4), nor does a balance alone. Both together do: where the
//! provider's withheld figure is short of ours by exactly what is past its date, those parts are released. Any other
//! figure is left to the comparison of balances in the ledger.

use ensimbi_events::ids::{self, Derivation};
use ensimbi_events::words::wallet::{FundsReleased, HoldPart};
use ensimbi_events::{Amount, Body, Claim, ClaimId, Fact, SubjectId, SubjectKind, Time, WalletId};

use super::place;
use super::store::holds::{self, Hold};
use super::store::outbox::NewNote;
use super::store::{Tx, inbox::Waiting};
use super::{Door, DoorError};

/// Parts of one release (`bookkeeping.md` 3).
const PARTS_MAX: usize = 300;
/// The object kind of a release: it has no object at the provider.
const RELEASE: &str = "release";

/// Notes what a settled payment says is withheld.
pub(crate) async fn keep(door: &Door, tx: &mut Tx, claim: &Claim) -> Result<(), DoorError> {
    let Body::CollectionSucceeded(body) = &claim.fact.body else { return Ok(()) };
    let (Some(amount), Some(until), Some(wallet)) = (body.held, body.held_until, claim.fact.wallet) else {
        return Ok(());
    };
    let Some(object_id) = claim.fact.object_id.clone().filter(|_| amount.is_positive()) else { return Ok(()) };
    let hold = Hold { object_id, subject: claim.fact.subject, amount, until };
    holds::put(tx, door.book, wallet, &hold).await
}

/// The releases that a balance shows, to be told before the balance itself. `balance` is its claim.
pub(crate) async fn released(
    door: &Door,
    tx: &mut Tx,
    row: &Waiting,
    balance: &Claim,
) -> Result<Vec<NewNote>, DoorError> {
    let Body::BalanceReported(body) = &balance.fact.body else { return Ok(Vec::new()) };
    let (Some(reported), Some(wallet)) = (body.held, balance.fact.wallet) else { return Ok(Vec::new()) };
    let open = holds::open(tx, door.book, wallet).await?;
    let past = open.iter().filter(|hold| hold.until <= body.as_of).count();
    let sum = |holds: &[Hold]| Amount::checked_sum(holds.iter().map(|hold| hold.amount));
    let (due, later) = open.split_at(past);
    if due.is_empty() || sum(later) != Some(reported) {
        return Ok(Vec::new());
    }
    let mut notes = Vec::new();
    for (parts, index) in due.chunks(PARTS_MAX).zip(1..) {
        for hold in parts {
            holds::release(tx, door.book, wallet, &hold.object_id, door.clock.now()).await?;
        }
        notes.extend(release(row, balance, wallet, parts, index)?);
    }
    Ok(notes)
}

fn release(
    row: &Waiting,
    balance: &Claim,
    wallet: WalletId,
    parts: &[Hold],
    index: u32,
) -> Result<Option<NewNote>, DoorError> {
    let amount = Amount::checked_sum(parts.iter().map(|part| part.amount));
    let amount = amount.ok_or_else(|| DoorError::Damaged("holds beyond the ledger's range".into()))?;
    // The parts name the release: whoever tells of them again tells the same one.
    let named = parts.iter().fold(Derivation::new("ensimbi.release.1").id(Some(wallet.0)), |hash, part| {
        hash.part(part.object_id.as_bytes())
    });
    let listed = parts.iter().map(|part| HoldPart { payment_id: part.subject, amount: part.amount });
    let body: Body = FundsReleased { amount, parts: listed.collect() }.into();
    let fact = Fact {
        subject: SubjectId(wallet.0),
        subject_kind: SubjectKind::Wallet,
        object_kind: Some(RELEASE.to_owned()),
        object_id: Some(hex::encode(named.hash())),
        occurrence: String::new(),
        version: body.version(),
        body,
        ..balance.fact.clone()
    };
    let latest: Option<Time> = parts.iter().map(|part| part.until).max();
    // Beside the statements of the same bytes, which count from 0.
    let id: ClaimId = ids::claim_id(row.id.0, u32::MAX - index, &balance.translator);
    let claim = Claim { id, fact, occurred_at: latest.unwrap_or(balance.occurred_at), ..balance.clone() };
    place::note(row.id.0, claim).map(Some).map_err(DoorError::Damaged)
}
