"""What the books say, in the shape in which people ask: trial balance, wallets, fees, invoices, open items.

Amounts stay integers at scale 4. Keys are those by which the product's answers are looked up.
"""

from collections import defaultdict

import chart


def trial_balance(books):
    """{(account, currency): (debit, credit)}; an account that ever had a line stays, even at zero."""
    accounts = set(books.debit) | set(books.credit)
    return {account: (books.debit.get(account, 0), books.credit.get(account, 0)) for account in sorted(accounts)}


def balance(books, account, currency):
    return books.debit.get((account, currency), 0) - books.credit.get((account, currency), 0)


def wallets(books):
    """{wallet id: its five figures}."""
    reserved = defaultdict(int)
    for wallet, amount in books.reserved.values():
        reserved[wallet] += amount
    found = {}
    for wallet in books.book.wallets.values():
        posted = balance(books, chart.W.format(c=wallet.account_code, w=wallet.code), wallet.currency)
        held = balance(books, chart.H.format(c=wallet.account_code, w=wallet.code), wallet.currency)
        found[wallet.id] = {"posted": posted, "held": held, "reserved": reserved[wallet.id],
                            "available": posted - reserved[wallet.id], "total": posted + held}
    return found


def fee_month(books, event, line):
    """A fee stands with its payment's first success, whenever it became known or was returned; else with its entry (for
    what a person accepted: when it was accepted)."""
    at = books.first_success.get(line.dated_by, event.occurred_at)
    return books.book.local(at).strftime("%Y-%m")


def fees(books):
    """{(provider, connection, component, bearer, currency, month): amount}; a cost is positive."""
    codes = {config["account_code"]: (config["provider"], connection)
             for connection, config in books.book.connections.items()}
    found = defaultdict(int)
    for event, line in books.fee_lines:
        # A line that a person wrote may name an account of no connection.
        provider, connection = codes.get(line.account.split(":")[-2], (None, None))
        month = fee_month(books, event, line)
        found[provider, connection, line.component, line.bearer, line.currency, month] += line.amount
    return dict(found)


def fee_accounts(books):
    """{(account, currency): balance} of the F and M accounts."""
    starts = ("expenses:fees:", "equity:memo:fees:")
    return {account: debit - credit for account, (debit, credit) in trial_balance(books).items()
            if account[0].startswith(starts)}


def invoices(books):
    """{invoice id: state and figures}."""
    return {subject: {"state": invoice.state, "total": invoice.total, "outstanding": invoice.outstanding,
                      "allocated": invoice.allocated, "deallocated": invoice.deallocated,
                      "credited": invoice.credited, "cancelled": invoice.cancelled, "offline": invoice.offline,
                      "adjusted": invoice.adjusted, "paid": invoice.paid}
            for subject, invoice in books.invoices.items()}


def open_items(books):
    """{(account, item, currency): balance}, without those that have reached zero."""
    return {item: balance for item, balance in books.items.items() if balance}
