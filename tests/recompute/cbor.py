"""Reads the CBOR subset of the leaf specification, and nothing else.

Integers, byte strings, text, arrays, maps with text keys, false and true. What the specification forbids (floats, tags,
null, indefinite lengths, heads longer than needed, keys out of order or twice, deep nesting) is refused: bytes that could
be read in two ways are no evidence.
"""

DEEPEST = 12
LONGEST_LEAF = 65_535


class BadBytes(ValueError):
    """The bytes are not what the specification allows."""


class Reader:
    """A place in some bytes, moving forward only."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise BadBytes(f"the bytes end at {len(self.data)}, inside a value that begins before")
        taken = self.data[self.at:self.at + count]
        self.at += count
        return taken

    def head(self):
        """Major type and argument; the argument must be in its shortest form."""
        first = self.take(1)[0]
        major, small = first >> 5, first & 0x1F
        if small < 24:
            return major, small
        if small > 27:
            raise BadBytes(f"byte {self.at - 1}: an indefinite length or a reserved head")
        size = 1 << (small - 24)
        argument = int.from_bytes(self.take(size), "big")
        shortest = 24 if size == 1 else 1 << (4 * size)
        if argument < shortest:
            raise BadBytes(f"byte {self.at}: a head is longer than its value needs")
        return major, argument

    def value(self, depth=0):
        if depth > DEEPEST:
            raise BadBytes(f"byte {self.at}: nested more than {DEEPEST} deep")
        major, argument = self.head()
        if major in (0, 1):
            if argument >= 1 << 63:
                raise BadBytes(f"byte {self.at}: an integer beyond 64 bits")
            return argument if major == 0 else -1 - argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            try:
                return self.take(argument).decode("utf-8")
            except UnicodeDecodeError:
                raise BadBytes(f"byte {self.at}: a text is not UTF-8") from None
        if major == 4:
            if argument == 0:
                raise BadBytes(f"byte {self.at}: an empty list, which has no key at all")
            return [self.value(depth + 1) for _ in range(argument)]
        if major == 5:
            return self.map(argument, depth)
        if major == 7 and argument in (20, 21):
            return argument == 21
        raise BadBytes(f"byte {self.at}: a tag, a float or another value that is not allowed")

    def map(self, count, depth):
        found, before = {}, None
        for _ in range(count):
            start = self.at
            key = self.value(depth + 1)
            if not isinstance(key, str):
                raise BadBytes(f"byte {start}: a key that is no text")
            encoded = self.data[start:self.at]
            if before is not None and encoded <= before:
                raise BadBytes(f"byte {start}: key {key!r} is out of order or there twice")
            before = encoded
            found[key] = self.value(depth + 1)
        return found


def whole(data):
    """The one value that these bytes are."""
    reader = Reader(data)
    value = reader.value()
    if reader.at != len(data):
        raise BadBytes(f"{len(data) - reader.at} bytes stand behind the value")
    return value


def sequence(data):
    """The byte strings of a CBOR sequence, one leaf each."""
    reader = Reader(data)
    while reader.at < len(data):
        leaf = reader.value()
        if not isinstance(leaf, bytes):
            raise BadBytes(f"byte {reader.at}: something other than a byte string stands in the sequence")
        if len(leaf) > LONGEST_LEAF:
            raise BadBytes(f"a leaf of {len(leaf)} bytes is longer than {LONGEST_LEAF}")
        yield leaf
