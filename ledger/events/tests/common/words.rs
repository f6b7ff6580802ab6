//! Every word with every field, so that each can be filled, mixed and put in order; a forgotten field does not compile.

use ensimbi_events::event::Body;
use ensimbi_events::words::{book::*, control::*, dispute::*, invoice::*, payment::*, payout::*, wallet::*};
use proptest::prelude::*;

use super::fill::{Fill, records};

records! {
    Policy { key, value }
    WalletConfig { wallet_id, provider_id, code, currency, purse }
    WebhookKey { digest, from, until }
    HoldPart { payment_id, amount }
}

macro_rules! bodies {
    ($($name:ident { $($field:ident),* $(,)? })*) => {
        records! { $($name { $($field),* })* }

        /// One body a word, every field present.
        pub fn full_bodies(seed: &mut u64) -> Vec<Body> {
            vec![$(Body::$name(Fill::full(seed))),*]
        }

        impl Fill for Body {
            fn full(seed: &mut u64) -> Self {
                Self::CollectionSucceeded(Fill::full(seed))
            }
            fn any() -> BoxedStrategy<Self> {
                proptest::strategy::Union::new([$($name::any().prop_map(Self::$name).boxed()),*]).boxed()
            }
            fn mix(self, with: Self, other: &mut dyn FnMut() -> bool) -> Self {
                match (self, with) {
                    $((Self::$name(mine), Self::$name(theirs)) => Self::$name(mine.mix(theirs, other)),)*
                    (mine, theirs) => if other() { theirs } else { mine },
                }
            }
            fn canon(&mut self) {
                match self { $(Self::$name(body) => body.canon()),* }
            }
        }

        /// Two bodies of one word.
        pub fn any_pair() -> BoxedStrategy<(Body, Body)> {
            let pairs = [$(
                ($name::any(), $name::any()).prop_map(|(a, b)| (Body::$name(a), Body::$name(b))).boxed()
            ),*];
            proptest::strategy::Union::new(pairs).boxed()
        }
    };
}

bodies! {
    BookOpened { tenant, mode, time_zone, policies, currencies }
    BookConfigured { time_zone, policies }
    CurrencyRegistered { exponent, sandbox }
    ConnectionConfigured { provider, account, account_code, slug, authenticity, simulated, poll, wallets, webhook_keys }
    OpeningBalanceDeclared { as_of, posted, held }
    CollectionRequested { amount, fee_bearer, invoice_id }
    CollectionPending { amount, fee_bearer, invoice_id }
    CollectionAuthorised { amount, fee_bearer, invoice_id }
    CollectionVoided { amount, fee_bearer, invoice_id }
    CollectionFailed { amount, is_final, reason, fee_bearer, invoice_id }
    CollectionSucceeded { gross, net, net_source, held, held_until, payer, rate, invoice_id, channel, fees }
    CollectionReversed { amount, from_wallet, from_held, returned, fees }
    RefundRequested { payment_id, attempt, amount, reserve }
    RefundFailed { attempt, amount, is_final, reason }
    RefundSucceeded { payment_id, amount, wallet_debit, attempt, fees, returned }
    RefundReversed { payment_id, amount, wallet_credit, returned }
    ChargebackOpened { payment_id, amount, debited, fees }
    ChargebackClosed { payment_id, won, lost, debited_now, fees, returned }
    PayoutRequested { attempt, amount, reserve }
    PayoutPending { amount, attempt }
    PayoutFailed { attempt, amount, is_final, reason }
    PayoutSucceeded { amount, wallet_debit, attempt, beneficiary, fees }
    PayoutReversed { amount, wallet_credit, returned, fees }
    FeesReported { payment_id, mode, fees }
    FeeCharged { payment_id, document, fees }
    FeeReturned { payment_id, document, fees }
    FundsHeld { amount, parts }
    FundsReleased { amount, parts }
    PurseTransferred { from, to, amount_out, amount_in, currency_in, fees }
    WalletFunded { amount, wallet_credit, fees }
    WithdrawalRequested { attempt, amount, reserve }
    WithdrawalFailed { attempt, amount, is_final, reason }
    WithdrawalSucceeded { amount, wallet_debit, attempt, fees }
    WithdrawalReversed { amount, wallet_credit, returned }
    WalletMovementReported { row_id, direction, amount, category }
    InvoiceDrafted { party_id }
    InvoiceItemAdded { item_id, quantity, unit_amount, tax }
    InvoiceItemChanged { item_id, quantity, unit_amount, tax }
    InvoiceItemRemoved { item_id }
    InvoicePaymentStarted { payment_id }
    InvoiceExpired {}
    InvoicePublished { total, tax, recognition, due, party_id }
    InvoiceCredited { amount, tax, recognition }
    InvoiceCancelled { amount, tax, recognition }
    InvoicePaid { offline, amount, tax, recognition }
    PaymentAllocated { item, item_kind, item_side, amount, account, invoice_id, target_amount, tax, policy }
    PaymentDeallocated { allocation, item, item_kind, item_side, amount, account, invoice_id, target_amount, tax }
    BalanceReported { as_of, balance, held, available }
    StatementLineReported { row_id, direction, amount, category, balance }
    EvidenceAdded { event_id, class }
    PeriodClosed { from, to, trial_balance }
    PeriodReopened { from, to, trial_balance }
    DiscrepancyRaised { kind, about, stake, stake_currency, other_fact, detail }
    DiscrepancyResolved { discrepancy, verdict, actor_id, reason, target }
    AdjustmentPosted { actor_id, reason, lines, approver_id, reversal_of }
    CorrectionPosted { corrected, translator, fact_hash, lines, payment_id }
}
