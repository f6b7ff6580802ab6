"""Closed periods: the trial balance that a period was closed on (LEAF.md, section 8, below `PeriodClosed`).

`PeriodClosed` and `PeriodReopened` carry the hash of every account's debits and credits with a book date up to the
period's last day, as the book stood just before them. It is made again here from our own lines. Book dates of closed
periods are checked in any case, event by event.
"""

import hashlib
import uuid
from collections import defaultdict


def part(data):
    return len(data).to_bytes(4, "big") + data


def trial_balance_hash(books, closing):
    """The hash (hex), from our lines so far."""
    until, sides = closing.fact["to"], defaultdict(lambda: [0, 0])
    for day, accounts in books.dated.items():
        if day <= until:
            for account, (debit, credit) in accounts.items():
                sides[account][0] += debit
                sides[account][1] += credit
    book = uuid.UUID(closing.record["book"]).bytes
    parts = [b"ensimbi.trial-balance.1", book, until.encode()]
    for (account, currency), (debit, credit) in sorted(sides.items()):
        parts += [account.encode(), currency.encode(), str(debit).encode(), str(credit).encode()]
    return hashlib.sha256(b"".join(map(part, parts))).hexdigest()


def check(books):
    """How many hashes were recomputed, and a sentence for each that differs."""
    wrong = [f"{closing}: the trial balance is recorded as {closing.fact['trial_balance']}, by our lines it is {ours}"
             for closing, ours in books.periods if ours != closing.fact["trial_balance"]]
    return len(books.periods), wrong
