#!/usr/bin/env python3
"""root.py FILE [--facts]: checks an exported leaves file (format, one book, positions, times, line numbers and sums,
event ids) and prints its size and RFC 6962 root; exit 1 names the first bad position. --facts lists fact hashes too."""
import sys
import uuid
from hashlib import sha256
from decode import item, leaves

def derive(tag, *parts):
    data = b"".join(len(p).to_bytes(4, "big") + p for p in (tag.encode(), *parts))
    raw = bytearray(sha256(data).digest()[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x80, raw[8] & 0x3F | 0x80
    return bytes(raw)

def event_id(fact, record, fact_hash):
    if "cause" in record:
        return derive("ensimbi.made.1", record["cause"], fact["type"].encode(), fact_hash)
    kind, name = fact["subject_kind"], str(uuid.UUID(bytes=fact["subject"]))
    if "object_kind" in fact and "object_id" in fact:
        kind, name = fact["object_kind"], fact["object_id"]
    texts = [text.encode() for text in (kind, name, fact["type"], fact.get("occurrence", ""))]
    return derive("ensimbi.event.1", record["book"], fact.get("connection", b""), *texts)

def fact_bytes(leaf):  # shorter keys first: `fact` is the first key of a leaf
    _, start = item(leaf, 1)
    return leaf[start:item(leaf, start, 1)[1]]

def check(ok, what):
    if not ok:
        raise ValueError(what)

def main(path, show):
    edge, size, before = [], 0, None  # edge: (height, hash) of the full subtrees, largest first
    try:
        for leaf, value in leaves(open(path, "rb").read()):
            fact, record, sums = value["fact"], value["record"], {}
            fact_hash = sha256(fact_bytes(leaf)).digest()
            check(value["format"] == 0 and set(value) == {"format", "fact", "context", "record"}, "format or layers")
            check(record["position"] == size + 1, "position out of place")
            same = before is None or before["book"] == record["book"]
            check(same and (before or record)["recorded_at"] <= record["recorded_at"], "book, or recorded_at goes back")
            for n, line in enumerate(record.get("lines", []), 1):
                check(line["n"] == n and line["amount"] != 0, "line number or zero line")
                sums[line["currency"]] = sums.get(line["currency"], 0) + line["amount"]
            check(not any(sums.values()), "lines do not sum to zero")
            check(record["event_id"] == event_id(fact, record, fact_hash), "event_id is not derived from the fact")
            if show:
                print(size + 1, uuid.UUID(bytes=record["event_id"]), fact_hash.hex())
            edge, size, before = edge + [(0, sha256(b"\0" + leaf).digest())], size + 1, record
            while len(edge) > 1 and edge[-2][0] == edge[-1][0]:
                edge[-2:] = [(edge[-1][0] + 1, sha256(b"\1" + edge[-2][1] + edge[-1][1]).digest())]
    except (ValueError, KeyError, TypeError) as bad:
        return f"position {size + 1}: {type(bad).__name__} {bad}"
    root = edge.pop()[1] if edge else sha256().digest()
    while edge:
        root = sha256(b"\1" + edge.pop()[1] + root).digest()
    print(f"size {size}\nroot {root.hex()}")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--facts" in sys.argv))
