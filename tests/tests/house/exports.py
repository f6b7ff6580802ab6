"""Reads an export with somebody else's program, and says what it found as JSON: balances by account and currency.

exports.py beancount FILE    as `bean-check` loads it; any complaint ends with 1
exports.py csv FILE          rows by column name, after the trailer was checked against the bytes before it
"""

import csv
import hashlib
import io
import json
import sys
from collections import defaultdict
from decimal import Decimal


def shortest(number):
    text = format(number.normalize(), "f")
    return "0" if text == "-0" else text


def beancount(path):
    from beancount import loader
    from beancount.core.data import Open, Transaction

    entries, errors, options = loader.load_file(path)
    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        sys.exit(1)
    sums, ids = defaultdict(Decimal), []
    for entry in entries:
        if isinstance(entry, Transaction):
            ids.append(entry.meta["event_id"])
            for posting in entry.postings:
                assert posting.cost is None and posting.price is None, posting
                sums[posting.account, posting.units.currency] += posting.units.number
    opened = sorted(entry.account for entry in entries if isinstance(entry, Open))
    return {
        "balances": sorted([account, currency, shortest(sum)] for (account, currency), sum in sums.items()),
        "transactions": len(ids),
        "distinct": len(set(ids)),
        "opened": opened,
        "currencies": sorted(options["operating_currency"]),
    }


def read_csv(path):
    raw = open(path, "rb").read()
    assert raw.endswith(b"\n") and b"\r\n" not in raw.replace(b'"', b"")[-200:], "lines end with LF"
    before = raw[: raw.rstrip(b"\n").rfind(b"\n") + 1]
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline=""), strict=True))
    header, rows, end = rows[0], rows[1:-1], rows[-1]
    assert all(len(row) == len(header) for row in rows + [end]), "every record is as wide as the first"
    said = dict(cell.split("=", 1) for cell in end[1:] if cell)
    assert end[0] == "#end" and set(said) == {"position", "rows", "sha256"}, end
    assert said["sha256"] == hashlib.sha256(before).hexdigest(), "the hash covers all bytes before the trailer"
    assert int(said["rows"]) == len(rows), said
    return {"position": int(said["position"]), "rows": [dict(zip(header, row)) for row in rows]}


if __name__ == "__main__":
    print(json.dumps({"beancount": beancount, "csv": read_csv}[sys.argv[1]](sys.argv[2])))
