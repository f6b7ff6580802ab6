"""An entry while it is being written: lines by the short names of the chart, fees, and what balances by definition.

The contra of memo fees and the conversion account for fees in another currency follow from the other lines; after them
every currency must come to zero, or the fact contradicts itself and cannot be posted.
"""

from collections import defaultdict

import chart
from leaf import Line, decimal


class Unpostable(Exception):
    """This fact cannot be posted by the table; the message says why."""


class Entry:
    """The lines of one event, being written."""

    def __init__(self, book, memory, event):
        self.book, self.memory, self.event, self.fact = book, memory, event, event.fact
        self.lines, self.foreign, self.contra = [], set(), defaultdict(int)
        self.payment, self.dated_by = memory.payment_of(event.fact), memory.dated_by(event.fact)

    # -- who and where

    def wallet(self, field="wallet"):
        wallet = self.book.wallets.get(self.fact.get(field))
        if wallet is None:
            raise Unpostable(f"its {field} is not configured")
        return wallet

    @property
    def connection(self):
        return self.fact.get("connection") or self.wallet().connection

    @property
    def currency(self):
        if "currency" not in self.fact:
            raise Unpostable("it has no currency")
        return self.fact["currency"]

    def home(self, subject):
        """The connection where a subject's open item stands: its own, wherever this fact comes from."""
        return self.memory.home.get(subject) or self.connection

    # -- lines

    def add(self, account, amount, currency=None, item=None, component=None, bearer=None):
        if amount:
            self.lines.append(Line(account, currency or self.currency, amount, item, component, bearer, self.payment,
                                   self.dated_by))

    def W(self, amount, field="wallet"):
        wallet = self.wallet(field)
        self.add(chart.W.format(c=wallet.account_code, w=wallet.code), amount, wallet.currency)

    def H(self, amount):
        wallet = self.wallet()
        self.add(chart.H.format(c=wallet.account_code, w=wallet.code), amount, wallet.currency)

    def clearing(self, pattern, amount, item):
        """A line on an account of open items that belongs to a connection (C, P, B, D)."""
        self.add(pattern.format(c=self.book.code(self.home(item))), amount, item=item)

    def fee(self, component, bearer, amount, currency):
        code = self.book.code(self.connection)
        if bearer == "merchant":
            account = chart.F.format(c=code, x=component)
        else:
            account = chart.M.format(bearer=bearer, c=code, x=component)
            self.contra[currency] -= amount
        self.add(account, amount, currency, component=component, bearer=bearer)

    def fees(self, sign=1, field="fees"):
        """The fees of a list; the sum of those that our wallet pays, in its own currency."""
        paid = 0
        for fee in self.fact.get(field, []):
            self.fee(fee["component"], fee["bearer"], sign * fee["amount"], fee["currency"])
            if fee["bearer"] == "merchant":
                if fee["currency"] == self.currency:
                    paid += fee["amount"]
                else:
                    self.foreign.add(fee["currency"])
        return paid

    def returned(self):
        return self.fees(-1, "returned")

    def finish(self):
        """Contra of the memo fees; the bridge where there are fees in another currency; then zero a currency."""
        for currency, amount in self.contra.items():
            self.add(chart.MC, amount, currency)
        if self.foreign:
            self.bridge()
        for currency, total in sums(self.lines).items():
            if total:
                raise Unpostable(f"its figures do not come to zero: {decimal(total)} {currency} are left over")
        return self.lines

    def bridge(self):
        for currency, total in sums(self.lines).items():
            self.add(chart.V, -total, currency)


def sums(lines):
    """The total of each currency."""
    totals = defaultdict(int)
    for line in lines:
        totals[line.currency] += line.amount
    return totals
