"""Bytes, amounts, words, dates: what posting rests on."""

import re
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True

import cbor  # noqa: E402
import words  # noqa: E402
from book import Book  # noqa: E402
from leaf import Unusable, decimal, read, scaled  # noqa: E402
from report import fee_month  # noqa: E402

PAGE = Path(__file__).parents[2] / "ledger/events/spec/LEAF.md"
HOUR = 3_600_000_000


class Bytes(unittest.TestCase):
    def test_what_the_specification_allows(self):
        data = bytes.fromhex("a3616120616218ff62616384f5f4414262c3bc")
        self.assertEqual(cbor.whole(data), {"a": -1, "b": 255, "ac": [True, False, b"B", "ü"]})

    def test_what_it_does_not(self):
        for name, data in {
            "null": "f6", "a float": "fb3ff0000000000000", "a tag": "c100", "an empty list": "80",
            "an indefinite list": "9fff", "a head too long": "1817", "a longer head too long": "190017",
            "keys out of order": "a2616200616100", "a key twice": "a2616100616100", "a key that is a number": "a10000",
            "an integer beyond 64 bits": "1b8000000000000000", "text that is not UTF-8": "61ff", "bytes behind": "0000",
            "an end inside": "4401", "thirteen deep": "81" * 13 + "00",
        }.items():
            with self.subTest(name), self.assertRaises(cbor.BadBytes):
                cbor.whole(bytes.fromhex(data))

    def test_an_export_of_nothing_is_refused(self):
        with self.assertRaises(Unusable):
            read(b"")


class Amounts(unittest.TestCase):
    def test_there_and_back(self):
        for text, amount in {"24.5": 245_000, "-0.0001": -1, "0": 0, "922337203685477.5807": 2**63 - 1}.items():
            self.assertEqual(scaled(text), amount)
            self.assertEqual(decimal(amount), text)

    def test_what_is_no_amount(self):
        for text in ("", "-", "1.", ".5", "1.00001", "1e3", "+1", "1,5", "1 ", "--1"):
            with self.subTest(text), self.assertRaises(ValueError):
                scaled(text)


class Words(unittest.TestCase):
    def test_the_table_is_the_specifications(self):
        page = PAGE.read_text(encoding="utf-8")
        page = page[page.index("## 8. Words"):page.index("## 15.")]
        mark = {"obligatory": "", "optional": "?", "list": "*"}
        found = {}
        for section in re.split(r"^### ", page, flags=re.M)[1:]:
            word, kind = re.match(r"`(\w+)`\s+Version 1\. Posting kind: `?([\w-]+)", section).groups()
            rows = re.findall(r"^\| `(\w+)` \|[^|]+\| (\w+) \|", section, re.M)
            found[word] = (kind, " ".join(name + mark[presence] for name, presence in rows))
        self.assertEqual(found, words.WORDS)


class Dates(unittest.TestCase):
    def setUp(self):
        self.book = Book()
        self.configure("BookOpened", time_zone="Africa/Kampala")

    def configure(self, word, **fact):
        fact = {name.rstrip("_"): value for name, value in fact.items()}
        self.book.configure(SimpleNamespace(word=word, fact=fact))

    def test_a_day_is_a_day_in_the_books_zone(self):
        self.assertEqual(self.book.book_date(20 * HOUR), "1970-01-01")
        self.assertEqual(self.book.book_date(21 * HOUR), "1970-01-02", "Kampala is three hours ahead")

    def test_closed_days_are_skipped_until_they_are_reopened(self):
        self.configure("PeriodClosed", from_="1970-01-01", to="1970-01-31")
        self.configure("PeriodClosed", from_="1970-02-01", to="1970-02-28")
        self.assertEqual(self.book.book_date(0), "1970-03-01")
        self.configure("PeriodReopened", from_="1970-01-10", to="1970-01-20")
        self.assertEqual(self.book.book_date(0), "1970-01-10")
        self.assertEqual(self.book.book_date(20 * 24 * HOUR), "1970-03-01")

    def test_a_fee_stands_with_the_first_success_of_its_payment(self):
        books = SimpleNamespace(book=self.book, first_success={"p": 0})
        later = SimpleNamespace(occurred_at=40 * 24 * HOUR)
        self.assertEqual(fee_month(books, later, SimpleNamespace(dated_by="p")), "1970-01")
        self.assertEqual(fee_month(books, later, SimpleNamespace(dated_by="q")), "1970-02")


if __name__ == "__main__":
    unittest.main()
