"""Holds our figures against the product's own answers.

An answer is what the product's command printed with --json; long ones come in pages, `wallets.json` or `wallets-1.json`,
`wallets-2.json` ... in the folder of answers. Every page must stand at the position where the leaves end, and the last
page must be among them: a missing page would hide what differs.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field

import report
from leaf import Unusable, decimal, scaled


@dataclass
class Kind:
    """One kind of figure: how many were compared, and a sentence for each that differs."""
    name: str
    compared: int = 0
    differences: list = field(default_factory=list)

    def hold(self, ours, theirs, shown):
        """Compares two tables {key: value}; `shown` says a key and a value in words."""
        for key in sorted(set(ours) | set(theirs), key=str):
            self.compared += 1
            if key not in theirs:
                self.differences.append(f"{shown(key)}: we have {value(ours[key])}, the answer does not name it")
            elif key not in ours:
                self.differences.append(f"{shown(key)}: by the facts there is none, the answer has {value(theirs[key])}")
            elif ours[key] != theirs[key]:
                self.differences.append(f"{shown(key)}: {difference(ours[key], theirs[key])}")
        return self


def value(figure):
    if isinstance(figure, dict):
        return ", ".join(f"{name} {value(part)}" for name, part in figure.items())
    return decimal(figure) if isinstance(figure, int) else str(figure)


def difference(ours, theirs):
    if isinstance(ours, dict):
        parts = [name for name in ours if ours[name] != theirs.get(name)]
        return "; ".join(f"{name} is {difference(ours[name], theirs.get(name))}" for name in parts)
    return f"{value(ours)} by the facts, {value(theirs)} in the answer"


class Answers:
    """The folder with the product's answers."""

    def __init__(self, folder, position):
        self.folder, self.position = folder, position

    def pages(self, name, paged=True):
        """The pages of one question, or None where it was not asked."""
        paths = sorted([*self.folder.glob(f"{name}.json"), *self.folder.glob(f"{name}-[0-9]*.json")])
        pages = [self.page(path) for path in paths]
        if pages and paged and all(page.get("next_cursor") for page in pages):
            raise Unusable(f"{name}: the last page is missing in {self.folder}")
        return pages or None

    def page(self, path):
        try:
            # Amounts are texts; a bare number would have been a float somewhere, so it is refused as one.
            page = json.loads(path.read_text(encoding="utf-8"), parse_float=refuse)
        except (OSError, ValueError) as error:
            raise Unusable(f"{path}: {error}") from None
        if not isinstance(page, dict):
            raise Unusable(f"{path}: an answer is a JSON object")
        if page.get("position") != self.position or page.get("stale"):
            raise Unusable(f"{path}: it stands at position {page.get('position')}"
                           f"{', stale' if page.get('stale') else ''}; the leaves end at {self.position}")
        return page

    def rows(self, name):
        pages = self.pages(name)
        if pages is None:
            return None
        return [row for page in pages for row in inside(page, "items")]


def inside(page, name):
    """The list that an answer must have under this name."""
    if not isinstance(page.get(name), list):
        raise Unusable(f"an answer has no list {name!r}, only {', '.join(page)}")
    return page[name]


def refuse(text):
    raise ValueError(f"{text} is a bare number with a point; amounts are texts")


def table(rows, key, figures):
    """{key: figures} of an answer's rows; a key that comes twice is a finding of its own kind, so it is unusable."""
    found = {}
    for row in rows:
        try:
            name, figure = key(row), figures(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            shown = json.dumps(row)[:300]
            raise Unusable(f"an answer's row has not the fields expected: {error!r} in {shown}") from None
        if name in found:
            raise Unusable(f"the answers name {name} twice")
        found[name] = figure
    return found


def figures(row, names):
    return {name: scaled(row[name]) for name in names}


def wallets(books, answers):
    rows = answers.rows("wallets")
    if rows is None:
        return None
    names = {wallet.id: f"wallet {wallet.account_code}:{wallet.code} ({wallet.currency})"
             for wallet in books.book.wallets.values()}
    theirs = table(rows, lambda row: row["id"],
                   lambda row: figures(row, ("posted", "held", "reserved", "available", "total")))
    return Kind("wallets").hold(report.wallets(books), theirs, lambda key: names.get(key, f"wallet {key}"))


def fees(books, answers):
    """Groups by every dimension; and the totals, with what the product says its fee accounts are."""
    pages = answers.pages("fees", paged=False)
    if pages is None:
        return None
    dimensions = ("provider", "connection", "component", "bearer", "currency", "month")

    def key(row):
        named = {**row["group"], "bearer": row["bearer"], "currency": row["currency"]}
        return tuple(named[name] for name in dimensions)

    ours = {group: amount for group, amount in report.fees(books).items() if amount}
    # The report keeps apart which way the money went; the fee accounts do not.
    apart = table(inside(pages[0], "groups"), lambda row: (key(row), row["direction"]), lambda row: scaled(row["fees"]))
    theirs = defaultdict(int)
    for (group, _), amount in apart.items():
        theirs[group] += amount
    theirs = {group: amount for group, amount in theirs.items() if amount}
    return Kind("fee groups").hold(ours, theirs, lambda key: "fees " + " / ".join(map(str, key)))


def fee_accounts(books, answers):
    pages = answers.pages("fees", paged=False)
    if pages is None:
        return None
    ours = defaultdict(int)
    for (account, currency), amount in report.fee_accounts(books).items():
        ours["merchant" if account.startswith("expenses:") else account.split(":")[3], currency] += amount
    theirs = table(inside(pages[0], "totals"), lambda row: (row["bearer"], row["currency"]),
                   lambda row: scaled(row["accounts"]))
    return Kind("fee accounts, by bearer").hold(dict(ours), theirs, lambda key: f"fee accounts of {key[0]} in {key[1]}")


def invoices(books, answers):
    rows = answers.rows("invoices")
    if rows is None:
        return None
    ours = report.invoices(books)
    names = ("total", "outstanding", "allocated", "deallocated", "credited", "cancelled", "offline", "adjusted", "paid")
    theirs = table(rows, lambda row: row["id"], lambda row: {"state": row["state"], **figures(row, names)})
    return Kind("invoices").hold(ours, theirs, lambda key: f"invoice {key}")


def open_items(books, answers):
    rows = answers.rows("open-items")
    if rows is None:
        return None
    theirs = table(rows, lambda row: (row["account"], row["item"], row["currency"]), lambda row: scaled(row["balance"]))
    return Kind("open items").hold(report.open_items(books), theirs, lambda key: f"{key[0]} item {key[1]} {key[2]}")


def trial_balance(books, answers, events):
    """With the product's answer where there is one, else with the sums of the lines it recorded."""
    ours = {account: {"debit": debit, "credit": credit, "balance": debit - credit}
            for account, (debit, credit) in report.trial_balance(books).items()}
    pages = answers.pages("trial-balance", paged=False) if answers else None
    if pages:
        theirs = table(inside(pages[0], "accounts"), lambda row: (row["account"], row["currency"]),
                       lambda row: figures(row, ("debit", "credit", "balance")))
        name = "accounts of the trial balance"
    else:
        theirs = defaultdict(lambda: {"debit": 0, "credit": 0, "balance": 0})
        for event in events:
            for line in event.lines:
                side = theirs[line.account, line.currency]
                side["debit" if line.amount > 0 else "credit"] += abs(line.amount)
                side["balance"] += line.amount
        name = "accounts, with the sums of the recorded lines"
    return Kind(name).hold(ours, theirs, lambda key: f"{key[0]} {key[1]}")


ASKED = {"wallets": wallets, "fees": fees, "fee accounts": fee_accounts, "invoices": invoices, "open-items": open_items}


def all_kinds(books, answers):
    """Every kind of answer; one that is missing is said, since silence would look like agreement."""
    kinds = []
    for name, ask in ASKED.items():
        kind = ask(books, answers)
        if kind is None:
            raise Unusable(f"{answers.folder}: there is no answer {name}.json")
        kinds.append(kind)
    return kinds
