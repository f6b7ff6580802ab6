"""The laws of the books (bookkeeping, section 5) that a log alone can show: 1, 3, 4, 5, 6 and 7.

Law 2 (gross, wallet debit) is what makes an entry come to zero, so posting says it; law 8 is checked while reading, by
posting keys. Each law gives how many things it looked at and the sentences of those that break it.
"""

from collections import defaultdict

import chart
import report
from leaf import decimal


def zero_per_currency(books):
    """Law 1 for the whole book; for single entries posting has refused what does not come to zero."""
    totals = defaultdict(int)
    for (_, currency), (debit, credit) in report.trial_balance(books).items():
        totals[currency] += debit - credit
    wrong = [f"the book is {decimal(total)} {currency} off zero" for currency, total in totals.items() if total]
    return len(totals), wrong


def fees_are_accounts(books):
    """Law 3: the fee report is the F accounts for us and the M accounts for others; memo nets to zero."""
    ours, theirs, memo = defaultdict(int), defaultdict(int), defaultdict(int)
    for (_, _, _, bearer, currency, _), amount in report.fees(books).items():
        ours[bearer, currency] += amount
    for (account, currency), amount in report.fee_accounts(books).items():
        bearer = "merchant" if account.startswith("expenses:") else account.split(":")[3]
        theirs[bearer, currency] += amount
    for (account, currency), (debit, credit) in report.trial_balance(books).items():
        if account.startswith("equity:memo:"):
            memo[currency] += debit - credit
    wrong = [f"{bearer} fees: the report says {decimal(ours[bearer, currency])} {currency}, the accounts "
             f"{decimal(theirs[bearer, currency])}" for bearer, currency in sorted(set(ours) | set(theirs))
             if ours[bearer, currency] != theirs[bearer, currency]]
    wrong += [f"memo accounts are {decimal(total)} {currency} off zero" for currency, total in memo.items() if total]
    return len(set(ours) | set(theirs)), wrong


def payments_add_up(books):
    """Law 4: allocated + open + refunded + reversed + lost = gross, and the item on C is what is open."""
    items = defaultdict(int)
    for (account, item, currency), amount in books.items.items():
        if account.startswith("liabilities:clearing:collections:"):
            items[item] += amount
    wrong = [f"payment {payment}: open by its facts {decimal(kept.open)}, by its item {decimal(-items[payment])}"
             for payment, kept in books.payments.items() if kept.open != -items[payment]]
    wrong += [f"item {item} stands on a collections account, and no payment is known for it"
              for item, amount in items.items() if amount and item not in books.payments]
    return len(books.payments), wrong


def invoices_add_up(books):
    """Law 5: what is outstanding is what stands on the receivable, where it is owed from publication on."""
    checked, wrong = 0, []
    for subject, invoice in books.invoices.items():
        item = books.items.get((chart.R, subject, invoice.currency), 0)
        ours = invoice.outstanding if invoice.recognition == "on_publish" else 0
        checked += 1
        if item != ours:
            wrong.append(f"invoice {subject}: outstanding {decimal(ours)}, its receivable says {decimal(item)}")
    return checked, wrong


def items_are_balances(books):
    """Law 6: an account of open items is the sum of its items."""
    sums = defaultdict(int)
    for (account, _, currency), amount in books.items.items():
        sums[account, currency] += amount
    accounts = {account: debit - credit for account, (debit, credit) in report.trial_balance(books).items()
                if chart.itemised(account[0])}
    wrong = [f"{account}: balance {decimal(total)} {currency}, its items {decimal(sums[account, currency])}"
             for (account, currency), total in accounts.items() if total != sums[account, currency]]
    return len(accounts), wrong


def withheld_are_told(books):
    """Law 7: every withheld event has exactly one discrepancy that holds it. Those that name another fact are about the
    contents that came later under the same key and were not recorded."""
    wrong = []
    for event in books.withheld_ever:
        holding = [raised for raised in books.raised_about[event.id] if "other_fact" not in raised.fact]
        if len(holding) != 1:
            wrong.append(f"{event} is withheld and has {len(holding)} discrepancies")
    return len(books.withheld_ever), wrong


LAWS = {
    "law 1, currencies at zero": zero_per_currency,
    "law 3, fees are their accounts": fees_are_accounts,
    "law 4, payments add up": payments_add_up,
    "law 5, invoices add up": invoices_add_up,
    "law 6, items are balances": items_are_balances,
    "law 7, withheld and told": withheld_are_told,
}
