"""From exported bytes to events, and what must hold from leaf to leaf whatever they say about money.

An event keeps the three layers of its leaf: the fact (what happened), the context (how we know), the record (the
ledger's own: place, dates, lines). Only the fact and the dates feed the recomputation; the recorded lines are kept to
be compared with ours.
"""

import re
import uuid
from dataclasses import dataclass

import cbor
import words


class Unusable(Exception):
    """The input is no export of leaves that this program can judge: exit code 2."""


@dataclass(frozen=True)
class Line:
    """One line of an entry: debit is plus, credit is minus. `dated_by` is ours: whose first success dates a fee."""
    account: str
    currency: str
    amount: int
    item: str | None = None
    component: str | None = None
    bearer: str | None = None
    payment: str | None = None
    dated_by: str | None = None

    def compared(self):
        """What two bookkeepers must agree on. The payment counts on fees, which the report puts to their payment."""
        payment = self.payment if self.component else None
        return (self.account, self.currency, self.amount, self.item or "", self.component or "", self.bearer or "",
                payment or "")

    def __str__(self):
        more = [f"{name} {value}" for name, value in (("item", self.item), ("component", self.component),
                ("bearer", self.bearer), ("payment", self.payment if self.component else None)) if value]
        return f"{self.account} {decimal(self.amount)} {self.currency}" + (f" ({', '.join(more)})" if more else "")


@dataclass(frozen=True)
class Event:
    """A recorded event; ids are text."""
    position: int
    id: str
    word: str
    fact: dict
    context: dict
    record: dict
    lines: list    # as recorded
    stated: list   # lines that are part of the fact: what a person or a correction wrote

    @property
    def no_lines(self):
        return self.record.get("no_lines")

    @property
    def occurred_at(self):
        return self.context["occurred_at"]

    def __str__(self):
        return f"position {self.position} ({self.word} {self.id})"


def decimal(amount):
    """An amount at scale 4 as people write it, in its shortest form."""
    sign, amount = ("-" if amount < 0 else ""), abs(amount)
    rest = f"{amount % 10_000:04}".rstrip("0")
    return f"{sign}{amount // 10_000}" + (f".{rest}" if rest else "")


def scaled(text):
    """The other way round, exactly; a figure that does not fit scale 4 is refused."""
    parts = re.fullmatch(r"(-?)([0-9]+)(?:\.([0-9]{1,4}))?", text)
    if not parts:
        raise ValueError(f"{text!r} is no amount")
    sign, whole, part = parts.groups("")
    return (-1 if sign else 1) * (int(whole) * 10_000 + int(part.ljust(4, "0")))


def readable(value):
    """Ids and hashes as text, so that they can be shown and looked up."""
    if isinstance(value, bytes):
        return str(uuid.UUID(bytes=value)) if len(value) == 16 else value.hex()
    if isinstance(value, dict):
        return {key: readable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [readable(inner) for inner in value]
    return value


def lines_of(maps, place):
    """The lines under a key `lines`, in their order."""
    lines = []
    for number, line in enumerate(maps, 1):
        wrong = words.problem(line, words.LINE)
        if wrong or line["n"] != number or line["amount"] == 0:
            raise Unusable(f"{place}: line {number}: {wrong or 'its number is wrong or its amount is zero'}")
        lines.append(Line(line["account"], line["currency"], line["amount"], line.get("open_item"),
                          line.get("component"), line.get("bearer"), line.get("payment_id"), line.get("payment_id")))
    return lines


def checked(leaf, place):
    """The leaf's maps; refuses what the specification does not name."""
    if not isinstance(leaf, dict) or set(leaf) != {"fact", "format", "record", "context"}:
        raise Unusable(f"{place}: a leaf is a map of fact, format, record and context")
    if leaf["format"] != 0 or isinstance(leaf["format"], bool):
        raise Unusable(f"{place}: format {leaf['format']!r} is not known, only 0")
    leaf = readable(leaf)
    fact = leaf["fact"]
    word = fact.get("type") if isinstance(fact, dict) else None
    if word not in words.WORDS:
        raise Unusable(f"{place}: the word {word!r} is not known")
    if fact.get("version") != 1:
        raise Unusable(f"{place}: {word} has version {fact.get('version')!r}, only 1 is known")
    fields = f"{words.COMMON} {words.WORDS[word][1]}"
    for part, named in (("fact", fields), ("context", words.CONTEXT), ("record", words.RECORD)):
        wrong = words.problem(leaf[part], named)
        if wrong:
            raise Unusable(f"{place}: {word}: {part}: {wrong}")
    for fee in fact.get("fees", []) + fact.get("returned", []):
        wrong = words.problem(fee, words.FEE)
        known = not wrong and fee["component"] in words.COMPONENTS and fee["bearer"] in words.BEARERS
        if not known or fee["amount"] <= 0:
            raise Unusable(f"{place}: {word}: a fee: {wrong or 'not positive, or of an unknown kind'}")
    return leaf


def read(data):
    """All events of an export, in order."""
    events, ids, keys = [], set(), set()
    for number, raw in enumerate(cbor.sequence(data), 1):
        place = f"position {number}"
        try:
            leaf = checked(cbor.whole(raw), place)
        except cbor.BadBytes as error:
            raise Unusable(f"{place}: {error}") from None
        fact, record = leaf["fact"], leaf["record"]
        lines = lines_of(record.get("lines", []), place)
        event = Event(record["position"], record["event_id"], fact["type"], fact, leaf["context"], record, lines,
                      lines_of(fact.get("lines", []), place))
        if event.position != number:
            raise Unusable(f"{place}: the leaf there says position {event.position}: leaves are missing or moved")
        if bool(lines) == (event.no_lines is not None):
            raise Unusable(f"{place}: no_lines must be there exactly when there are no lines")
        if event.no_lines is not None and event.no_lines not in words.NO_LINES:
            raise Unusable(f"{place}: no_lines {event.no_lines!r} is not known")
        if (number == 1) != (event.word == "BookOpened"):
            raise Unusable(f"{place}: a book is opened at position 1, and there only")
        if events and (record["book"] != events[0].record["book"] or
                       record["recorded_at"] < events[-1].record["recorded_at"]):
            raise Unusable(f"{place}: another book, or recorded before the event in front of it")
        if event.id in ids or record.get("posting_key") in keys:
            raise Unusable(f"{place}: its event id or its posting key was there before: the same thing twice")
        ids.add(event.id)
        if "posting_key" in record:
            keys.add(record["posting_key"])
        events.append(event)
    if not events:
        raise Unusable("the file holds no leaves")
    return events
