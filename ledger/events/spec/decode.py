#!/usr/bin/env python3
"""decode.py FILE: prints an exported leaves file, one JSON object a leaf; refuses what LEAF.md section 2 refuses.
Integers stay as they are (amounts at scale 4, microseconds); 16 bytes are shown as a UUID, other bytes in hex."""
import json
import sys
import uuid

def head(data, at):
    if at >= len(data):
        raise ValueError("cut short")
    major, value, end = data[at] >> 5, data[at] & 31, at + 1
    if value > 27 or (major == 7 and value > 23):
        raise ValueError("indefinite length, float or reserved head")
    if value >= 24:
        size = 1 << (value - 24)
        end += size
        value = int.from_bytes(data[at + 1:end], "big")
        if end > len(data) or value < (24 if size == 1 else 1 << (4 * size)):
            raise ValueError("a head cut short, or longer than it need be")
    return major, value, end

def item(data, at, depth=0, numbered=False):
    """One value and its end. Lists are in the order of their items' bytes, except `lines`, which are numbered."""
    if depth > 12:
        raise ValueError("nested too deep")
    major, value, at = head(data, at)
    if major in (0, 1) and value < 1 << 63:
        return (value if major == 0 else -1 - value), at
    if major in (2, 3) and at + value <= len(data):
        raw = data[at:at + value]
        return (raw if major == 2 else raw.decode("utf-8")), at + value
    if major == 7 and value in (20, 21):
        return value == 21, at
    if major not in (4, 5) or (major == 4 and value == 0):
        raise ValueError("a tag, null, empty list, integer beyond 64 bits, or cut short")
    keys, values, before = [], [], b""
    for _ in range(value):
        key, mid = item(data, at, depth + 1) if major == 5 else ("", at)
        one, end = item(data, mid, depth + 1, key == "lines")
        order = data[at:mid] if major == 5 else data[at:end]
        if type(key) is not str or (not numbered and order < before) or (major == 5 and order == before):
            raise ValueError("keys or list items out of order, or a key twice, or a key that is no text")
        before, at = order, end
        keys.append(key)
        values.append(one)
    return (dict(zip(keys, values)) if major == 5 else values), at

def leaves(data):
    """Each leaf's own bytes and its value."""
    at = 0
    while at < len(data):
        raw, at = item(data, at)
        value, end = item(raw, 0) if type(raw) is bytes and len(raw) <= 65535 else (None, 0)
        if type(value) is not dict or end != len(raw):
            raise ValueError("not a byte string of at most 65,535 bytes that holds one map and nothing after it")
        yield raw, value

if __name__ == "__main__":
    for _, leaf in leaves(open(sys.argv[1], "rb").read()):
        print(json.dumps(leaf, default=lambda b: str(uuid.UUID(bytes=b)) if len(b) == 16 else b.hex()))
