"""The worked numbers of the bookkeeping document (section 8), through this program's posting alone.

Each story is a fresh book. A step has the facts it is made of, the lines they must give and balances afterwards, in the
notation of the document: `Acct±n` a line, `@LRD` another currency, `res±n` a reservation, `=` a balance. What the ledger
makes by itself (allocations) is a fact here like any other, since it is one in the log.
"""

import sys
import unittest
import uuid
from collections import Counter

sys.dont_write_bytecode = True

from leaf import Event, Line, decimal, scaled  # noqa: E402
from state import Books  # noqa: E402

SHORT = {"assets:wallet:shop:main": "W", "assets:wallet:shop:second": "W2", "assets:held:shop:main": "H",
         "assets:disputed:shop": "D", "liabilities:clearing:collections:shop": "C", "assets:clearing:payouts:shop": "P",
         "assets:clearing:bank:shop": "B", "assets:clearing:offline": "O", "assets:receivable": "R",
         "liabilities:suspense:shop": "S", "equity:memo:contra": "Mc", "income:sales": "I", "income:refunds": "IR",
         "expenses:chargebacks": "X", "liabilities:tax:output": "T", "assets:tax:vat": "TI",
         "expenses:tax-recovered:shop": "TR", "equity:opening:shop": "E", "equity:conversion": "V",
         "assets:bank:main": "K", "liabilities:customers": "L", "expenses:suppliers": "N"}
LONG = {short: account for account, short in SHORT.items()}
AMOUNTS = {"amount", "gross", "net", "held", "posted", "wallet_debit", "wallet_credit", "from_wallet", "from_held",
           "debited", "won", "lost", "debited_now", "reserve", "total", "tax", "amount_in", "amount_out"}


def short(account):
    parts = account.split(":")
    if account.startswith("expenses:fees:"):
        return f"F.{parts[3]}"
    if account.startswith("equity:memo:fees:"):
        return f"M.{parts[5]}"
    return SHORT[account]


def fees(text, currency):
    """`provider 14 network 10.5 LRD m`: component, amount, currency if another, and at the end the bearer."""
    *words, bearer = text.split()
    bearer = {"m": "merchant", "p": "payer", "b": "beneficiary"}[bearer]
    found = []
    for word in words:
        if word[0].isdigit():
            found[-1]["amount"] = scaled(word)
        elif word.isupper():
            found[-1]["currency"] = word
        else:
            found.append({"component": word, "bearer": bearer, "currency": currency, "source": "observed", "label": "x"})
    return found


class Story(unittest.TestCase):
    """A fresh book with one connection and two wallets."""

    def begin(self, currency, second=None):
        self.currency, self.books, self.position, self.before = currency, Books(), 0, 0
        self.seen = []
        apply = self.books.apply
        self.books.apply = lambda event, lines: (self.seen.extend(lines), apply(event, lines))
        wallets = [{"wallet_id": code, "provider_id": code, "code": code, "currency": money}
                   for code, money in (("main", currency), ("second", second or currency))]
        self.event("BookOpened", "book", time_zone="Africa/Kampala")
        self.event("ConnectionConfigured", "shop", connection="shop", provider="sandbox", account_code="shop",
                   wallets=wallets)

    def event(self, word, subject="p", kind="payment", no_lines=None, stated=(), **fields):
        self.position += 1
        fact = {"type": word, "subject": subject, "subject_kind": kind, "currency": self.currency, "connection": "shop",
                "wallet": "main"}
        for name, value in fields.items():
            name = name.rstrip("_")
            if name in ("fees", "returned"):
                value = fees(value, self.currency)
            elif name in AMOUNTS and not isinstance(value, bool):
                value = scaled(str(value))
            fact[name] = value
        record = {"book_date": "2026-01-01", **({"no_lines": no_lines} if no_lines else {})}
        event = Event(self.position, str(uuid.UUID(int=self.position)), word, fact,
                      {"occurred_at": 1_767_250_000_000_000 + self.position}, record, [], list(stated))
        self.books.fold(event)
        return event.id

    def step(self, lines, after):
        """What the facts since the last step must have given."""
        ours = Counter()
        for line in self.seen:
            where = short(line.account) + ("" if line.currency == self.currency else f"@{line.currency}")
            ours[f"{where}{'+' if line.amount > 0 else ''}{decimal(line.amount)}"] += 1
        self.seen.clear()
        wanted = Counter(word for word in lines.split() if not word.startswith("res"))
        self.assertEqual(ours, wanted)
        reserved = sum(amount for _, amount in self.books.reserved.values())
        moved = sum(scaled(word[3:].lstrip("+")) for word in lines.split() if word.startswith("res"))
        self.assertEqual(reserved - self.before, moved, "reservations")
        self.before = reserved
        for word in after.split():
            name, amount = word.split("=")
            self.assertEqual(decimal(self.balance(name)), amount, name)

    def balance(self, name):
        if name == "avail":
            return self.balance("W") - self.before
        if name == "total":
            return self.balance("W") + self.balance("H")
        name, _, currency = name.partition("@")
        currency = currency or self.currency
        total = 0
        for account, money in set(self.books.debit) | set(self.books.credit):
            if money == currency and short(account).split(".")[0] == name:
                total += self.books.debit[account, money] - self.books.credit[account, money]
        return total

    # -- facts that many stories share

    def opening(self, posted):
        return self.event("OpeningBalanceDeclared", "main", "wallet", posted=posted, as_of=0)

    def collected(self, gross, net, **fields):
        return self.event("CollectionSucceeded", gross=gross, net=net, **fields)

    def allocated(self, amount, account, item="p", kind="payment", side="credit", **fields):
        return self.event("PaymentAllocated", f"a{self.position}", kind, item=item, item_kind=kind, item_side=side,
                          amount=amount, account=account, **fields)

    def undone(self, allocation, amount, **fields):
        return self.event("PaymentDeallocated", allocation=allocation, amount=amount, **fields)

    def published(self, total, tax=0, recognition="on_publish"):
        self.event("InvoicePublished", "i", "invoice", total=total, tax=tax, recognition=recognition)

    def requested(self, word, amount, reserve, subject, attempt=1, kind="payout"):
        self.event(word, subject, kind, amount=amount, reserve=reserve, attempt=attempt, payment_id="p")

    def paid_out(self, amount, debit, subject="o", **fields):
        self.event("PayoutSucceeded", subject, "payout", amount=amount, wallet_debit=debit, **fields)


class Collections(Story):
    def test_1_fees_we_bear(self):
        self.begin("ITX")
        self.collected("700", "675.5", fees="provider 14 network 10.5 m")
        self.step("W+675.5 F.provider+14 F.network+10.5 C-700", "W=675.5 F=24.5 C=-700")
        self.allocated("700", "income:sales")
        self.step("C+700 I-700", "C=0 I=-700")

    def test_2_fees_the_payer_bears(self):
        self.begin("UGX")
        self.collected(10000, 10000, fees="provider 200 network 150 p")
        self.step("W+10000 C-10000 M.provider+200 M.network+150 Mc-350", "W=10000 F=0 M=350 Mc=-350 C=-10000")

    def test_3_held_and_released(self):
        self.begin("UGX")
        self.collected(200000, 174000, held=20000, fees="unitemised 6000 m")
        self.step("W+174000 H+20000 F.unitemised+6000 C-200000", "W=174000 H=20000 avail=174000 total=194000")
        self.event("FundsReleased", amount=20000)
        self.step("W+20000 H-20000", "W=194000 H=0 total=194000")

    def test_9_reversed_with_its_invoice(self):
        self.begin("ITX")
        self.published(700)
        self.collected("700", "675.5", fees="provider 14 network 10.5 m")
        allocation = self.allocated(700, "assets:receivable", invoice_id="i")
        self.step("R+700 I-700 W+675.5 F.provider+14 F.network+10.5 C-700 C+700 R-700", "W=675.5 C=0 R=0 I=-700")
        self.event("CollectionReversed", amount=700, from_wallet="675.5", returned="provider 14 network 10.5 m")
        self.undone(allocation, 700)
        self.step("C+700 F.provider-14 F.network-10.5 W-675.5 C-700 R+700", "W=0 F=0 C=0 R=700")
        self.assertEqual(self.books.invoices["i"].state, "published")

    def test_12_itemised_for_the_payer(self):
        self.begin("USD")
        self.collected(100, 100, fees="unitemised 5 p")
        self.event("FeesReported", payment_id="p", mode="itemise", fees="provider 3 network 2 p")
        self.step("W+100 C-100 M.unitemised+5 Mc-5 M.provider+3 M.network+2 M.unitemised-5", "W=100 F=0 M=5 Mc=-5")

    def test_13_itemised_in_two_currencies(self):
        self.begin("USD")
        self.collected(100, "97.5", fees="unitemised 2.5 m")
        self.step("W+97.5 F.unitemised+2.5 C-100", "F=2.5")
        self.event("FeesReported", payment_id="p", mode="itemise", fees="provider 1.5 fx 0.5 network 97.5 LRD m")
        self.step("F.provider+1.5 F.fx+0.5 F.unitemised-2.5 V+0.5 F.network@LRD+97.5 V@LRD-97.5",
                  "F=2 V=0.5 F@LRD=97.5 V@LRD=-97.5 W=97.5")

    def test_14_sums_that_differ_are_withheld(self):
        self.begin("USD")
        self.collected(100, "97.5", fees="unitemised 2.5 m")
        self.event("FeesReported", payment_id="p", mode="itemise", fees="provider 1.5 fx 0.5 m", no_lines="withheld")
        self.step("W+97.5 F.unitemised+2.5 C-100", "F=2.5 W=97.5")

    def test_23_withheld_and_accepted(self):
        self.begin("UGX")
        about = self.collected(9000, 8730, fees="unitemised 270 m", no_lines="withheld")
        raised = self.event("DiscrepancyRaised", kind="amount_differs", about=about)
        self.step("", "W=0 C=0")
        self.event("DiscrepancyResolved", discrepancy=raised, verdict="accept")
        self.step("W+8730 F.unitemised+270 C-9000", "W=8730 C=-9000")
        self.assertEqual(self.books.payments["p"].open, scaled("9000"))


class Payouts(Story):
    def requested_and_paid(self):
        self.opening(100000)
        self.requested("PayoutRequested", 10000, 11200, "o")
        self.step("W+100000 E-100000 res+11200", "W=100000 avail=88800")
        self.paid_out(10000, 10600, attempt=1, fees="provider 600 m")
        self.step("P+10000 F.provider+600 W-10600 res-11200", "W=89400 avail=89400 P=10000")

    def test_4_paid_and_reversed(self):
        self.begin("UGX")
        self.requested_and_paid()
        allocation = self.allocated(10000, "expenses:suppliers", "o", "payout", "debit")
        self.step("N+10000 P-10000", "P=0 N=10000")
        self.event("PayoutReversed", "o", "payout", amount=10000, wallet_credit=10600, returned="provider 600 m")
        self.undone(allocation, 10000)
        self.step("W+10600 F.provider-600 P-10000 P+10000 N-10000", "W=100000 F=0 P=0 N=0")

    def test_5_the_fee_is_kept(self):
        self.begin("UGX")
        self.requested_and_paid()
        self.event("PayoutReversed", "o", "payout", amount=10000, wallet_credit=10000)
        self.step("W+10000 P-10000", "W=99400 F=600 P=0")

    def test_6_failed(self):
        self.begin("UGX")
        self.opening(100000)
        self.requested("PayoutRequested", 10000, 11200, "o")
        self.event("PayoutFailed", "o", "payout", amount=10000, attempt=1, is_final=True)
        self.step("W+100000 E-100000", "W=100000 F=0 avail=100000")
        self.event("FeeCharged", "o", "payout", fees="provider 100 m")
        self.step("F.provider+100 W-100", "W=99900 F=100")

    def test_7_inside(self):
        self.begin("UGX")
        self.opening(50000)
        self.paid_out(10000, 10000, fees="provider 600 b")
        self.step("W+50000 E-50000 P+10000 W-10000 M.provider+600 Mc-600", "W=40000 F=0 P=10000 M=600")
        self.paid_out(9400, 10000, "o2", fees="provider 600 m")
        self.step("P+9400 F.provider+600 W-10000", "W=30000 F=600 P=19400")

    def test_8_late_success(self):
        self.begin("UGX")
        self.opening(11000)
        self.requested("PayoutRequested", 10000, 10600, "A")
        self.event("PayoutFailed", "A", "payout", amount=10000, attempt=1, is_final=True)
        self.requested("PayoutRequested", 10000, 10600, "B")
        self.paid_out(10000, 10600, "B", attempt=1, fees="provider 600 m")
        self.step("W+11000 E-11000 P+10000 F.provider+600 W-10600", "W=400 avail=400")
        self.paid_out(10000, 10600, "A", attempt=1, fees="provider 600 m")
        self.step("P+10000 F.provider+600 W-10600", "W=-10200 avail=-10200 P=20000")


class RefundsAndDisputes(Story):
    def sold(self):
        self.begin("UGX")
        self.collected(10000, 9700, fees="unitemised 300 m")
        self.allocated(10000, "income:sales")

    def test_10_refund_and_bounce(self):
        self.sold()
        self.requested("RefundRequested", 4000, 4100, "r", kind="refund")
        self.step("W+9700 F.unitemised+300 C-10000 C+10000 I-10000 res+4100", "W=9700 C=0 avail=5600")
        self.event("RefundSucceeded", "r", "refund", payment_id="p", amount=4000, wallet_debit=4050, attempt=1,
                   fees="unitemised 50 m")
        allocation = self.allocated(4000, "income:refunds", side="debit")
        self.step("C+4000 F.unitemised+50 W-4050 res-4100 C-4000 IR+4000", "W=5650 F=350 C=0 IR=4000 avail=5650")
        self.event("RefundReversed", "r", "refund", payment_id="p", amount=4000, wallet_credit=4000)
        self.undone(allocation, 4000)
        self.step("W+4000 C-4000 C+4000 IR-4000", "W=9650 F=350 C=0 IR=0")
        self.assertEqual(self.books.payments["p"].open, 0)

    def test_11_chargeback(self):
        self.sold()
        self.event("ChargebackOpened", "d", "dispute", payment_id="p", amount=10000, debited=10000, fees="provider 500 m")
        self.step("W+9700 F.unitemised+300 C-10000 C+10000 I-10000 D+10000 F.provider+500 W-10500",
                  "W=-800 D=10000 F=800")
        self.event("ChargebackClosed", "d", "dispute", payment_id="p", won=6000, lost=4000, debited_now=0)
        self.allocated(4000, "expenses:chargebacks", side="debit")
        self.step("D-10000 C+4000 W+6000 C-4000 X+4000", "W=5200 D=0 C=0 X=4000")


class Invoices(Story):
    def test_15_tax_part_payment_overpayment(self):
        self.begin("UGX")
        self.published(118000, 18000)
        self.step("R+118000 I-100000 T-18000", "R=118000 T=-18000")
        self.collected(50000, 48500, fees="unitemised 1500 m")
        self.allocated(50000, "assets:receivable", invoice_id="i")
        self.step("W+48500 F.unitemised+1500 C-50000 C+50000 R-50000", "R=68000 C=0")
        self.assertEqual(self.books.invoices["i"].state, "part_paid")
        self.event("CollectionSucceeded", "q", gross=80000, net=77600, fees="unitemised 2400 m")
        self.allocated(68000, "assets:receivable", "q", invoice_id="i")
        self.step("W+77600 F.unitemised+2400 C-80000 C+68000 R-68000", "R=0 C=-12000 W=126100")
        self.event("RefundSucceeded", "r", "refund", payment_id="q", amount=12000, wallet_debit=12000)
        self.step("C+12000 W-12000", "C=0 W=114100 IR=0")
        self.assertEqual(self.books.invoices["i"].state, "paid")

    def test_16_the_rest_is_called_off(self):
        self.begin("UGX")
        self.published(100000)
        self.collected(30000, 29100, fees="unitemised 900 m")
        self.allocated(30000, "assets:receivable", invoice_id="i")
        self.event("InvoiceCancelled", "i", "invoice", amount=70000, tax=0, recognition="on_publish")
        self.step("R+100000 I-100000 W+29100 F.unitemised+900 C-30000 C+30000 R-30000 I+70000 R-70000",
                  "R=0 I=-30000 C=0")

    def test_17_on_payment(self):
        self.begin("UGX")
        self.published(5900, 900, "on_payment")
        self.event("InvoiceExpired", "i", "invoice")
        self.collected(5900, 5723, fees="unitemised 177 m")
        self.allocated(5900, "income:sales", invoice_id="i", tax=900)
        self.step("W+5723 F.unitemised+177 C-5900 C+5900 I-5000 T-900", "R=0 I=-5000 T=-900 C=0")
        self.assertNotIn("states a tax", "".join(self.books.findings))

    def test_24_withholding_tax(self):
        self.begin("UGX")
        self.published(1000000)
        self.collected(940000, 940000)
        self.allocated(940000, "assets:receivable", invoice_id="i")
        written = [Line(LONG["TI"], "UGX", scaled("60000")), Line(LONG["R"], "UGX", scaled("-60000"), "i")]
        self.event("AdjustmentPosted", "i", "invoice", stated=written)
        self.step("R+1000000 I-1000000 W+940000 C-940000 C+940000 R-940000 TI+60000 R-60000",
                  "R=0 C=0 W=940000 TI=60000")
        self.assertEqual(self.books.invoices["i"].outstanding, 0)

    def test_money_out_makes_an_invoice_owed_again(self):
        """Not in the document: law 5 says it, since the target's line is opposite to the item's."""
        self.begin("UGX")
        self.published(1000)
        self.collected(400, 400)
        self.allocated(400, "assets:receivable", invoice_id="i")
        self.paid_out(300, 300)
        self.allocated(300, "assets:receivable", "o", "payout", "debit", invoice_id="i")
        self.step("R+1000 I-1000 W+400 C-400 C+400 R-400 P+300 W-300 P-300 R+300", "R=900 P=0 C=0")
        self.assertEqual(self.books.invoices["i"].outstanding, scaled("900"))

    def test_25_offline(self):
        self.begin("UGX")
        self.published(40000)
        self.event("InvoicePaid", "i", "invoice", offline=True, amount=40000, tax=0, recognition="on_publish")
        self.allocated(40000, "assets:bank:main", "i", "offline", "debit")
        self.step("R+40000 I-40000 O+40000 R-40000 K+40000 O-40000", "R=0 O=0 K=40000 W=0")


class Wallets(Story):
    def test_18_opening_top_up_withdrawal(self):
        self.begin("UGX")
        self.event("OpeningBalanceDeclared", "main", "wallet", posted=250000, held=10000, as_of=1_767_250_000_000_004)
        self.collected(1000, 1000, no_lines="before_opening")
        self.step("W+250000 H+10000 E-260000", "W=250000 C=0")
        self.event("WalletFunded", "t", "transfer", amount=100000, wallet_credit=100000)
        self.allocated(100000, "assets:bank:main", "t", "transfer")
        self.step("W+100000 B-100000 B+100000 K-100000", "W=350000 B=0 K=-100000")
        self.requested("WithdrawalRequested", 200000, 202000, "w", kind="transfer")
        self.step("res+202000", "avail=148000")
        self.event("WithdrawalSucceeded", "w", "transfer", amount=200000, wallet_debit=202000, attempt=1,
                   fees="provider 2000 m")
        self.step("B+200000 F.provider+2000 W-202000 res-202000", "W=148000 B=200000 avail=148000")
        self.allocated(200000, "assets:bank:main", "w", "transfer", "debit")
        self.step("B-200000 K+200000", "B=0 K=100000")

    def test_19_between_purses(self):
        self.begin("UGX")
        self.opening(300000)
        self.event("PurseTransferred", "t", "transfer", from_="main", to="second", amount_out=50000, amount_in=50000)
        self.step("W+300000 E-300000 W2+50000 W-50000", "W=250000 W2=50000")

    def test_20_between_currencies(self):
        self.begin("USD", "LRD")
        self.opening(500)
        self.event("PurseTransferred", "t", "transfer", from_="main", to="second", amount_out=100, amount_in=19300)
        self.step("W+500 E-500 V+100 W-100 W2@LRD+19300 V@LRD-19300", "W=400 V=100 W2@LRD=19300")

    def test_21_tax_on_a_fee(self):
        self.begin("UGX")
        self.opening(50000)
        self.event("FeeCharged", "f", "wallet", fees="provider 10000 tax 1800 m")
        written = [Line(LONG["TI"], "UGX", scaled("1800")), Line(LONG["TR"], "UGX", scaled("-1800"))]
        self.event("AdjustmentPosted", "f", "wallet", stated=written)
        self.step("W+50000 E-50000 F.provider+10000 F.tax+1800 W-11800 TI+1800 TR-1800", "W=38200 F=11800 TI=1800")

    def test_22_suspense_and_where_it_goes(self):
        self.begin("UGX")
        about = self.event("WalletMovementReported", "main", "wallet", direction="in", amount=5000, category="Transfer")
        raised = self.event("DiscrepancyRaised", kind="unexplained_movement", about=about)
        self.event("DiscrepancyResolved", discrepancy=raised, verdict="move", target="liabilities:customers")
        self.step("W+5000 S-5000 S+5000 L-5000", "W=5000 S=0 L=-5000")


del Story  # it has no tests of its own

if __name__ == "__main__":
    unittest.main()
