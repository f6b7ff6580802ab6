//! What fees alone give away: a list that changed after it was recorded, and a rate outside the band that the book names.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::leaf::fact_hash;
use ensimbi_events::word::Fee;
use ensimbi_events::{Amount, Body, Claim, Currency, EventId, Fact, Hash, Money};

use super::policies::Band;
use super::{Decider, Raise, Refused, checks};

/// A fact without its fees and the figures that follow from them, by hash: two readings that agree in it, and not in all,
/// differ in their fees. Nothing for words without fees, and for figures that do not fit together.
pub fn but_fees(fact: &Fact) -> Option<Hash> {
    let own = fact.currency;
    let mut rest = fact.clone();
    match &mut rest.body {
        Body::CollectionSucceeded(body) => {
            (body.fees, body.net) = (Vec::new(), Amount::ZERO);
            body.payer = body.payer.filter(|payer| !in_own(*payer, own));
        }
        Body::PayoutSucceeded(body) => {
            (body.fees, body.wallet_debit) = (Vec::new(), Amount::ZERO);
            body.beneficiary = body.beneficiary.filter(|theirs| !in_own(*theirs, own));
        }
        Body::WithdrawalSucceeded(body) => (body.fees, body.wallet_debit) = (Vec::new(), Amount::ZERO),
        Body::RefundSucceeded(body) => (body.fees, body.wallet_debit) = (Vec::new(), Amount::ZERO),
        Body::FeesReported(body) => body.fees = Vec::new(),
        _ => return None,
    }
    checks::adds_up(fact).then(|| fact_hash(&rest))
}

/// The other side's amount follows from ours and its fees, in one currency.
fn in_own(theirs: Money, own: Option<Currency>) -> bool {
    Some(theirs.currency) == own
}

impl Decider {
    /// Fees of a posted payment beyond the band of its connection and direction are for a person to see. Whoever bears them:
    /// the rate is the provider's.
    pub(super) fn watch_band(&mut self, claim: &Claim, event_id: EventId) -> Result<(), Refused> {
        let (way, base, fees): (_, _, &[Fee]) = match &claim.fact.body {
            Body::CollectionSucceeded(body) => ("in", body.gross, &body.fees),
            Body::PayoutSucceeded(body) => ("out", body.amount, &body.fees),
            Body::WithdrawalSucceeded(body) => ("out", body.amount, &body.fees),
            _ => return Ok(()),
        };
        let config = &self.known().config;
        let code = claim.fact.connection.and_then(|connection| config.account_code(connection));
        let Some(band) = code.and_then(|code| Band::of(config, code, way)) else { return Ok(()) };
        let own = fees.iter().filter(|fee| Some(fee.currency) == claim.fact.currency);
        let Some(sum) = Amount::checked_sum(own.map(|fee| fee.amount)) else { return Ok(()) };
        if band.has(sum, base) {
            return Ok(());
        }
        let detail = Some(format!("fees {sum} of {base}, outside {band} percent"));
        let raise = Raise { kind: DiscrepancyKind::FeeRateOutOfBand, stake: Some(sum), other_fact: None, detail };
        self.raise_with(claim, event_id, raise).map(drop)
    }
}
