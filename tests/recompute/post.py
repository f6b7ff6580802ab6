"""The posting table (bookkeeping, section 3): what each fact does to the accounts.

One function a word, in the order of the table and in its letters. Nothing here reads recorded lines, except those that a
person or a correction states as such inside the fact.
"""

import chart
from entry import Entry, Unpostable

# ---- wallets


def opening(entry, fact):
    held = fact.get("held", 0)
    entry.W(fact["posted"])
    entry.H(held)
    entry.add(chart.E.format(c=entry.wallet().account_code), -(fact["posted"] + held))


def funds_held(entry, fact):
    entry.H(fact["amount"])
    entry.W(-fact["amount"])


def funds_released(entry, fact):
    entry.W(fact["amount"])
    entry.H(-fact["amount"])


def purse_transferred(entry, fact):
    entry.fees()
    entry.W(fact["amount_in"], "to")
    entry.W(-fact["amount_out"], "from")
    # In one currency the figures must agree; in two, V carries what left one and what came into the other.
    if entry.wallet("from").currency != entry.wallet("to").currency:
        entry.bridge()


def wallet_funded(entry, fact):
    entry.W(fact["wallet_credit"])
    entry.fees()
    entry.clearing(chart.B, -fact["amount"], fact["subject"])


def fee_charged(entry, fact):
    entry.W(-entry.fees())


def fee_returned(entry, fact):
    entry.W(entry.fees(-1))


def movement(entry, fact):
    amount = fact["amount"] if fact["direction"] == "in" else -fact["amount"]
    entry.W(amount)
    mapped = entry.book.policies.get(f"movement.{fact['category']}")
    if mapped and mapped.partition(":")[0] in chart.ROOTS and not chart.itemised(mapped):
        entry.add(mapped, -amount)
    else:
        entry.add(chart.S.format(c=entry.wallet().account_code), -amount, item=entry.memory.suspended(entry.event))


# ---- collections, refunds, disputes


def collection_succeeded(entry, fact):
    entry.W(fact["net"])
    entry.H(fact.get("held", 0))
    entry.fees()
    entry.clearing(chart.C, -fact["gross"], fact["subject"])


def collection_reversed(entry, fact):
    entry.clearing(chart.C, fact["amount"], fact["subject"])
    entry.returned()
    entry.fees()
    entry.W(-fact["from_wallet"])
    entry.H(-fact.get("from_held", 0))


def refund_succeeded(entry, fact):
    entry.clearing(chart.C, fact["amount"], fact["payment_id"])
    entry.fees()
    entry.returned()
    entry.W(-fact["wallet_debit"])


def refund_reversed(entry, fact):
    entry.W(fact["wallet_credit"])
    entry.returned()
    entry.clearing(chart.C, -fact["amount"], fact["payment_id"])


def chargeback_opened(entry, fact):
    entry.clearing(chart.D, fact["debited"], fact["subject"])
    entry.W(-(fact["debited"] + entry.fees()))


def chargeback_closed(entry, fact):
    entry.clearing(chart.D, fact["debited_now"] - fact["won"] - fact["lost"], fact["subject"])
    entry.clearing(chart.C, fact["lost"], fact["payment_id"])
    entry.W(fact["won"] - fact["debited_now"] - entry.fees() + entry.returned())


def fees_reported(entry, fact):
    if fact["mode"] == "extra":
        entry.W(-entry.fees())
        return
    entry.fees()
    for (bearer, currency), standing in sorted(entry.memory.unitemised(fact["payment_id"]).items()):
        entry.fee("unitemised", bearer, -standing, currency)


# ---- payouts, withdrawals


def payout_succeeded(entry, fact):
    entry.clearing(chart.P, fact["amount"], fact["subject"])
    entry.fees()
    entry.W(-fact["wallet_debit"])


def payout_reversed(entry, fact):
    entry.W(fact["wallet_credit"])
    entry.returned()
    entry.fees()
    entry.clearing(chart.P, -fact["amount"], fact["subject"])


def withdrawal_succeeded(entry, fact):
    entry.clearing(chart.B, fact["amount"], fact["subject"])
    entry.fees()
    entry.W(-fact["wallet_debit"])


def withdrawal_reversed(entry, fact):
    entry.W(fact["wallet_credit"])
    entry.returned()
    entry.clearing(chart.B, -fact["amount"], fact["subject"])


# ---- invoices, allocations


def owed(entry, fact, amount):
    """R against income and tax, for what becomes owed (or, below zero, stops being owed)."""
    tax = fact["tax"] if amount > 0 else -fact["tax"]
    entry.add(chart.R, amount, item=fact["subject"])
    entry.add(chart.I, -(amount - tax))
    entry.add(chart.T, -tax)


def invoice_published(entry, fact):
    if fact["recognition"] == "on_publish":
        owed(entry, fact, fact["total"])


def invoice_lessened(entry, fact):
    if fact["recognition"] == "on_publish":
        owed(entry, fact, -fact["amount"])


def invoice_paid(entry, fact):
    if not fact["offline"]:
        return
    entry.add(chart.O, fact["amount"], item=fact["subject"])
    if fact["recognition"] == "on_publish":
        entry.add(chart.R, -fact["amount"], item=fact["subject"])
    else:
        entry.add(chart.I, -(fact["amount"] - fact["tax"]))
        entry.add(chart.T, -fact["tax"])


def allocate(entry, fact, told, sign):
    """An item towards zero against its target (`sign` 1), or back (-1). `told` is the allocation that says where."""
    amount = fact["amount"] if told["item_side"] == "credit" else -fact["amount"]
    amount *= sign
    pattern = chart.CLEARING[told["item_kind"]]
    if "{c}" in pattern:
        entry.clearing(pattern, amount, told["item"])
    else:
        entry.add(pattern, amount, item=told["item"])
    target, currency = amount, entry.currency
    if "target_amount" in fact:
        other = fact["target_amount"]
        target, currency = (other["amount"] if amount > 0 else -other["amount"]), other["currency"]
        entry.add(chart.V, -amount)
        entry.add(chart.V, target, currency)
    tax = fact.get("tax", 0) if amount > 0 else -fact.get("tax", 0)
    entry.add(told["account"], -(target - tax), currency, item=target_item(told))
    entry.add(chart.T, -tax, currency)


def target_item(told):
    """The open item on the target's side: an invoice's receivable waits for the invoice."""
    return told.get("invoice_id") if told["account"] == chart.R else None


def payment_allocated(entry, fact):
    allocate(entry, fact, fact, 1)


def payment_deallocated(entry, fact):
    told = entry.memory.allocations.get(fact["allocation"])
    if told is None:
        raise Unpostable(f"it undoes allocation {fact['allocation']}, which was never made")
    allocate(entry, fact, told, -1)


# ---- control


def resolved(entry, fact):
    raised = entry.memory.discrepancies.get(fact["discrepancy"])
    if raised is None:
        raise Unpostable(f"it resolves discrepancy {fact['discrepancy']}, which was never raised")
    if fact["verdict"] == "accept":
        withheld = entry.memory.accepted(entry.event)
        if withheld:
            entry.lines = lines_of(entry.book, entry.memory, withheld)
    elif fact["verdict"] == "move":
        for account, currency, item, balance in entry.memory.suspense(raised):
            entry.add(account, -balance, currency, item=item)
            entry.add(fact["target"], balance, currency)


def as_written(entry, fact):
    entry.lines = list(entry.event.stated)


POSTINGS = {
    "OpeningBalanceDeclared": opening, "FundsHeld": funds_held, "FundsReleased": funds_released,
    "PurseTransferred": purse_transferred, "WalletFunded": wallet_funded, "FeeCharged": fee_charged,
    "FeeReturned": fee_returned, "WalletMovementReported": movement,
    "CollectionSucceeded": collection_succeeded, "CollectionReversed": collection_reversed,
    "RefundSucceeded": refund_succeeded, "RefundReversed": refund_reversed, "ChargebackOpened": chargeback_opened,
    "ChargebackClosed": chargeback_closed, "FeesReported": fees_reported,
    "PayoutSucceeded": payout_succeeded, "PayoutReversed": payout_reversed,
    "WithdrawalSucceeded": withdrawal_succeeded, "WithdrawalReversed": withdrawal_reversed,
    "InvoicePublished": invoice_published, "InvoiceCredited": invoice_lessened, "InvoiceCancelled": invoice_lessened,
    "InvoicePaid": invoice_paid, "PaymentAllocated": payment_allocated, "PaymentDeallocated": payment_deallocated,
    "DiscrepancyResolved": resolved, "AdjustmentPosted": as_written, "CorrectionPosted": as_written,
}


def lines_of(book, memory, event):
    """The balanced lines of an event by the table; none for a word that moves nothing."""
    posting = POSTINGS.get(event.word)
    if posting is None:
        return []
    entry = Entry(book, memory, event)
    posting(entry, event.fact)
    return entry.finish()
