"""Reads an export with somebody else's program, and says what it found as JSON: balances by account and currency.

exports.py beancount FILE    as `bean-check` loads it; any complaint ends with 1
exports.py xlsx FILE         every sheet's rows by column name, after the first sheet was checked against the others
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


def xlsx(path):
    import openpyxl

    def cell(value):
        if isinstance(value, (int, float)):
            return shortest(Decimal(str(value)))
        return "" if value is None else value

    book = openpyxl.load_workbook(path, read_only=True)
    sheets = {sheet.title: [[cell(value) for value in row] for row in sheet.values] for sheet in book}
    about = sheets.pop("About")
    said = {row[0]: row[1] for row in about[:4]}
    listed = {row[0]: row for row in about[6:]}
    assert set(listed) == set(sheets), (set(listed), set(sheets))
    found = {}
    for name, rows in sheets.items():
        width = len(rows[0])
        rows = [row + [""] * (width - len(row)) for row in rows]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        assert str(len(rows) - 1) == listed[name][1], name
        assert hashlib.sha256(text.getvalue().encode()).hexdigest() == listed[name][2], name
        found[name] = [dict(zip(rows[0], row)) for row in rows[1:]]
    return {"about": said, "sheets": found, "created": book.properties.created.isoformat()}


if __name__ == "__main__":
    print(json.dumps({"beancount": beancount, "csv": read_csv, "xlsx": xlsx}[sys.argv[1]](sys.argv[2])))
