"""The words a leaf may carry, as the specification lists them: posting kind and fields.

`?` marks a field that may be absent, `*` a list that may be empty. A word or field that is not here could move money in
a way this program does not know, so it is refused. `tests.py` holds the table against the specification's page.
"""

WORDS = {
    "BookOpened": ("none", "tenant mode time_zone policies* currencies*"),
    "BookConfigured": ("none", "time_zone? policies*"),
    "CurrencyRegistered": ("none", "exponent sandbox"),
    "ConnectionConfigured": ("none", "provider account account_code slug "
        "authenticity simulated poll? wallets* webhook_keys*"),
    "PeriodClosed": ("none", "from to trial_balance"),
    "PeriodReopened": ("none", "from to trial_balance"),
    "CollectionRequested": ("none", "amount fee_bearer? invoice_id?"),
    "CollectionPending": ("none", "amount fee_bearer? invoice_id?"),
    "CollectionAuthorised": ("none", "amount fee_bearer? invoice_id?"),
    "CollectionVoided": ("none", "amount fee_bearer? invoice_id?"),
    "CollectionFailed": ("none", "amount is_final reason fee_bearer? invoice_id?"),
    "CollectionSucceeded": ("success", "gross net net_source held? held_until? "
        "payer? rate? invoice_id? channel? fees*"),
    "CollectionReversed": ("reversal", "amount from_wallet from_held? returned* fees*"),
    "FeesReported": ("fees", "payment_id mode fees*"),
    "RefundRequested": ("none", "payment_id attempt amount reserve"),
    "RefundFailed": ("none", "attempt amount is_final reason"),
    "RefundSucceeded": ("refund", "payment_id amount wallet_debit attempt? fees* returned*"),
    "RefundReversed": ("refund-reversal", "payment_id amount wallet_credit returned*"),
    "ChargebackOpened": ("dispute-open", "payment_id amount debited fees*"),
    "ChargebackClosed": ("dispute-close", "payment_id won lost debited_now fees* returned*"),
    "PayoutRequested": ("none", "attempt amount reserve"),
    "PayoutPending": ("none", "amount attempt?"),
    "PayoutFailed": ("none", "attempt amount is_final reason"),
    "PayoutSucceeded": ("success", "amount wallet_debit attempt? beneficiary? fees*"),
    "PayoutReversed": ("reversal", "amount wallet_credit returned* fees*"),
    "WithdrawalRequested": ("none", "attempt amount reserve"),
    "WithdrawalFailed": ("none", "attempt amount is_final reason"),
    "WithdrawalSucceeded": ("success", "amount wallet_debit attempt? fees*"),
    "WithdrawalReversed": ("reversal", "amount wallet_credit returned*"),
    "OpeningBalanceDeclared": ("opening", "as_of posted held?"),
    "BalanceReported": ("none", "as_of balance held? available?"),
    "WalletFunded": ("transfer", "amount wallet_credit fees*"),
    "PurseTransferred": ("transfer", "from to amount_out amount_in currency_in fees*"),
    "FundsHeld": ("hold", "amount parts*"),
    "FundsReleased": ("release", "amount parts*"),
    "FeeCharged": ("fees", "payment_id? document? fees*"),
    "FeeReturned": ("fees", "payment_id? document? fees*"),
    "WalletMovementReported": ("row", "row_id direction amount category"),
    "StatementLineReported": ("none", "row_id direction amount category balance?"),
    "InvoiceDrafted": ("none", "party_id?"),
    "InvoiceItemAdded": ("none", "item_id quantity unit_amount tax?"),
    "InvoiceItemChanged": ("none", "item_id quantity unit_amount tax?"),
    "InvoiceItemRemoved": ("none", "item_id"),
    "InvoicePaymentStarted": ("none", "payment_id?"),
    "InvoiceExpired": ("none", ""),
    "InvoicePublished": ("publish", "total tax recognition due? party_id?"),
    "InvoiceCredited": ("credit", "amount tax recognition"),
    "InvoiceCancelled": ("cancel", "amount tax recognition"),
    "InvoicePaid": ("offline", "offline amount tax recognition"),
    "PaymentAllocated": ("allocation", "item item_kind item_side amount "
        "account invoice_id? target_amount? tax? policy?"),
    "PaymentDeallocated": ("deallocation", "allocation item item_kind item_side "
        "amount account invoice_id? target_amount? tax?"),
    "EvidenceAdded": ("none", "event_id class"),
    "DiscrepancyRaised": ("none", "kind about? stake? stake_currency? other_fact? detail?"),
    "DiscrepancyResolved": ("resolution", "discrepancy verdict actor_id reason target?"),
    "AdjustmentPosted": ("adjustment", "actor_id reason lines* approver_id? reversal_of?"),
    "CorrectionPosted": ("correction", "corrected translator fact_hash lines* payment_id?"),
}

COMMON = "type version subject subject_kind connection? wallet? object_kind? object_id? occurrence? currency?"
CONTEXT = "occurred_at occurred_source claim? translator? party? evidence*"
RECORD = ("book event_id position recorded_at book_date rules configuration lines* no_lines? posting_key? "
          "operator_key? cause?")
LINE = "n account currency amount open_item? payment_id? component? bearer?"
FEE = "component bearer amount currency source label tax?"

COMPONENTS = ("provider", "network", "fx", "tax", "unitemised")
BEARERS = ("merchant", "payer", "beneficiary")
NO_LINES = ("none", "withheld", "before_opening")


def problem(found, fields):
    """What is wrong with the keys of a map, or None."""
    named = {field.rstrip("?*"): field[-1] not in "?*" for field in fields.split()}
    for name in found:
        if name not in named:
            return f"field {name!r} is not in the specification"
    for name, needed in named.items():
        if needed and name not in found:
            return f"field {name!r} is missing"
    return None
