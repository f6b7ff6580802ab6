"""Configuration as the log tells it: zone, policies, connections, wallets, closed periods.

Everything is in force from its position on; account codes never change, so a later configuration of a connection may add
wallets but not rename one.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leaf import Unusable

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Wallet:
    """A purse: where it is and what it counts in."""
    id: str
    connection: str
    code: str
    account_code: str
    currency: str
    provider: str


class Book:
    """What is configured, as far as the log has been read."""

    def __init__(self):
        self.zone = None
        self.policies, self.exponents = {}, {}
        self.connections, self.wallets = {}, {}
        self.closed = []

    def configure(self, event):
        """Takes in a configuration word; every other word leaves things as they are."""
        fact = event.fact
        if event.word in ("BookOpened", "BookConfigured"):
            if "time_zone" in fact:
                self.zone = zone(fact["time_zone"], event)
            for policy in fact.get("policies", []):
                self.policies[policy["key"]] = policy["value"]
        elif event.word == "CurrencyRegistered":
            self.exponents[fact["currency"]] = fact["exponent"]
        elif event.word == "ConnectionConfigured":
            self.connect(event)
        elif event.word == "PeriodClosed":
            self.closed.append((date.fromisoformat(fact["from"]), date.fromisoformat(fact["to"])))
        elif event.word == "PeriodReopened":
            self.reopen(date.fromisoformat(fact["from"]), date.fromisoformat(fact["to"]))

    def connect(self, event):
        fact, connection = event.fact, event.fact["connection"]
        known = self.connections.get(connection)
        if known and known["account_code"] != fact["account_code"]:
            raise Unusable(f"{event}: the account code of a connection changes, which it never may")
        self.connections[connection] = fact
        for given in fact.get("wallets", []):
            wallet = Wallet(given["wallet_id"], connection, given["code"], fact["account_code"], given["currency"],
                            fact["provider"])
            if self.wallets.get(wallet.id, wallet) != wallet:
                raise Unusable(f"{event}: wallet {wallet.id} changes its code or its currency, which it never may")
            self.wallets[wallet.id] = wallet

    def reopen(self, first, last):
        """Takes these days out of what is closed; a longer closed period keeps the rest."""
        left = []
        for start, end in self.closed:
            if end < first or last < start:
                left.append((start, end))
                continue
            if start < first:
                left.append((start, first - timedelta(days=1)))
            if last < end:
                left.append((last + timedelta(days=1), end))
        self.closed = left

    def local(self, micros):
        """A time in the book's zone."""
        return (EPOCH + timedelta(microseconds=micros)).astimezone(self.zone)

    def book_date(self, micros):
        """The date in the book's zone, or the first open day after it."""
        day = self.local(micros).date()
        while any(start <= day <= end for start, end in self.closed):
            day += timedelta(days=1)
        return day.isoformat()

    def code(self, connection):
        """A connection's part of account paths."""
        return self.connections[connection]["account_code"]


def zone(name, event):
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Unusable(f"{event}: the time zone {name!r} is not known here") from None
