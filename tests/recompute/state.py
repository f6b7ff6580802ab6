"""Folds the log: posts every event, compares with what was recorded, and remembers what later events need.

Two things in one pass. The *memory* is what bookkeeping needs of each subject: where its open item stands, when its
payment first succeeded, what was withheld and why. The *balances* come from our lines only, never from recorded ones.
"""

from collections import Counter, defaultdict

import chart
import periods
import post
from book import Book
from entry import Unpostable
from leaf import decimal
from subjects import Invoice, Payment

SUCCESSES = ("CollectionSucceeded", "RefundSucceeded", "PayoutSucceeded", "WithdrawalSucceeded", "WalletFunded",
             "PurseTransferred")
INTENTS = ("Payout", "Refund", "Withdrawal")
# What a provider settled up to the opening is inside the opening figure. Reversals are not here: the document posts them,
# since the original's time may be all that a provider tells of one.
SETTLED = ("CollectionSucceeded", "RefundSucceeded", "ChargebackOpened", "ChargebackClosed", "PayoutSucceeded",
           "WithdrawalSucceeded", "WalletFunded", "PurseTransferred", "FundsHeld", "FundsReleased", "FeesReported",
           "FeeCharged", "FeeReturned", "WalletMovementReported")


class Books:
    """Everything that follows from the events so far."""

    def __init__(self):
        self.book = Book()
        self.home, self.first_success = {}, {}
        self.payments, self.invoices = defaultdict(Payment), defaultdict(Invoice)
        self.allocations, self.discrepancies, self.withheld, self.raised_about = {}, {}, {}, defaultdict(list)
        self.withheld_ever, self.openings, self.asked, self.suspended_items = [], {}, {}, {}
        self.reserved = {}
        self.debit, self.credit, self.items = defaultdict(int), defaultdict(int), defaultdict(int)
        self.fee_lines, self.standing = [], defaultdict(lambda: defaultdict(int))
        self.periods, self.dated = [], defaultdict(lambda: defaultdict(lambda: [0, 0]))
        self.findings, self.posted_events, self.line_count = [], 0, 0

    def find(self, event, what):
        self.findings.append(f"{event}: {what}")

    # -- what posting asks

    def payment_of(self, fact):
        """The collected payment that an event's lines belong to."""
        return fact.get("payment_id") or (fact["subject"] if fact["subject_kind"] == "payment" else None)

    def dated_by(self, fact):
        """Whose first success dates an event's fees: a payout is its own payment."""
        return fact.get("payment_id") or fact["subject"]

    def unitemised(self, payment):
        return {key: amount for key, amount in self.standing[payment].items() if amount}

    def suspended(self, event):
        """The item of a movement that nobody explains."""
        return self.suspended_items.setdefault(event.id, event.fact["subject"])

    def suspense(self, raised):
        """What still stands in suspense for the movement that this discrepancy is about."""
        wanted = self.suspended_items.get(raised.fact.get("about"))
        return [(account, currency, item, balance) for (account, item, currency), balance in self.items.items()
                if balance and item == wanted and account.startswith("liabilities:suspense:")]

    # -- the fold

    def fold(self, event):
        self.book.configure(event)
        self.check_date(event)
        if event.fact.get("connection"):
            self.home.setdefault(event.fact["subject"], event.fact["connection"])
        if event.word.endswith("Requested"):
            self.asked.setdefault(event.fact["subject"], event.occurred_at)
        if event.word in SUCCESSES:
            # Posted, withheld or before the opening: this is when the provider says that it happened.
            self.first_success.setdefault(event.fact["subject"], event.occurred_at)
        lines = self.post(event)
        self.apply(event, lines)
        if event.no_lines == "withheld":
            self.withheld[event.id] = event
            self.withheld_ever.append(event)
        elif event.no_lines == "before_opening":
            self.end_reservation(event)
        else:
            self.remember(event)

    def check_date(self, event):
        ours = self.book.book_date(event.occurred_at)
        if ours != event.record["book_date"]:
            self.find(event, f"book_date is recorded as {event.record['book_date']}, by zone and periods it is {ours}")
        opening = self.openings.get(event.fact.get("wallet"))
        inside = opening is not None and event.occurred_at <= opening
        if event.no_lines == "before_opening" and not inside:
            self.find(event, "recorded as before the opening, but no opening of its wallet is as late")
        # What we asked for at the opening or later cannot be inside it, whatever the provider's clock says.
        asked = self.asked.get(event.fact["subject"])
        if inside and event.lines and event.word in SETTLED and (asked is None or asked < opening):
            self.find(event, "has lines, but was settled at or before the opening of its wallet")

    def post(self, event):
        """Our lines of the event; compares them with the recorded ones."""
        if event.no_lines in ("withheld", "before_opening"):
            return []
        try:
            lines = post.lines_of(self.book, self, event)
        except Unpostable as error:
            self.find(event, f"cannot be posted from its fact: {error}")
            return []
        ours, theirs = (Counter(line.compared() for line in side) for side in (lines, event.lines))
        if ours != theirs:
            show = {line.compared(): str(line) for line in lines + event.lines}
            missing = [show[line] for line in (ours - theirs).elements()]
            extra = [show[line] for line in (theirs - ours).elements()]
            self.find(event, f"lines differ: ours and not recorded {missing}, recorded and not ours {extra}")
        return lines

    def apply(self, event, lines):
        """Puts our lines onto the balances."""
        self.posted_events += bool(lines)
        self.line_count += len(lines)
        day = event.record["book_date"]
        for line in lines:
            account = (line.account, line.currency)
            (self.debit if line.amount > 0 else self.credit)[account] += abs(line.amount)
            self.dated[day][account][0 if line.amount > 0 else 1] += abs(line.amount)
            if line.item:
                self.items[line.account, line.item, line.currency] += line.amount
            if chart.itemised(line.account) != bool(line.item):
                self.find(event, f"{line}: an open item is missing, or one is there that waits for nothing")
            if line.component:
                self.fee_lines.append((event, line))

    def accepted(self, event):
        """The withheld event that this one accepts, if it does."""
        if event.word != "DiscrepancyResolved" or event.fact["verdict"] != "accept":
            return None
        raised = self.discrepancies.get(event.fact["discrepancy"])
        return self.withheld.get(raised.fact.get("about")) if raised else None

    def remember(self, event):
        """What later events need of this one."""
        fact, word = event.fact, event.word
        remembered = getattr(self, f"on_{word}", None)
        if remembered:
            remembered(event, fact)
        if word.endswith("Requested") and "reserve" in fact:
            self.reserved[fact["subject"], fact["attempt"]] = (fact["wallet"], fact["reserve"])
        self.end_reservation(event)

    def end_reservation(self, event):
        """A final failure or a success ends the reservation of that subject and attempt."""
        fact, word = event.fact, event.word
        if not word.startswith(INTENTS) or not (word.endswith("Succeeded") or fact.get("is_final")):
            return
        self.reserved.pop((fact["subject"], fact.get("attempt")), None)

    # -- money of subjects

    def on_OpeningBalanceDeclared(self, event, fact):
        self.openings[fact["wallet"]] = fact["as_of"]

    def unitemise(self, payment, fees):
        """What an itemisation replaces: the unitemised fees of the success, or of the list reported last. Neither what
        was given back nor an `extra` fee is part of it: the list that comes is compared with what was charged then."""
        for fee in fees:
            if fee["component"] == "unitemised":
                self.standing[payment][fee["bearer"], fee["currency"]] += fee["amount"]

    def on_FeesReported(self, event, fact):
        if fact["mode"] == "itemise":
            self.standing[fact["payment_id"]].clear()
            self.unitemise(fact["payment_id"], fact.get("fees", []))

    def on_CollectionSucceeded(self, event, fact):
        self.unitemise(fact["subject"], fact.get("fees", []))
        payment = self.payments[fact["subject"]]
        payment.currency = fact["currency"]
        payment.gross += fact["gross"]

    def on_CollectionReversed(self, event, fact):
        self.payments[fact["subject"]].reversed += fact["amount"]

    def on_RefundSucceeded(self, event, fact):
        self.payments[fact["payment_id"]].refunded += fact["amount"]

    def on_RefundReversed(self, event, fact):
        self.payments[fact["payment_id"]].refunded -= fact["amount"]

    def on_ChargebackClosed(self, event, fact):
        self.payments[fact["payment_id"]].lost += fact["lost"]

    # -- invoices and allocations

    def invoice(self, subject, fact):
        invoice = self.invoices[subject]
        if "currency" in fact:
            invoice.currency = fact["currency"]
        return invoice

    def on_InvoiceDrafted(self, event, fact):
        self.invoice(fact["subject"], fact)

    on_InvoiceItemAdded = on_InvoiceItemChanged = on_InvoiceItemRemoved = on_InvoicePaymentStarted = on_InvoiceDrafted

    def on_InvoicePublished(self, event, fact):
        invoice = self.invoice(fact["subject"], fact)
        invoice.published, invoice.recognition = True, fact["recognition"]
        invoice.total, invoice.tax = fact["total"], fact["tax"]

    def on_InvoiceExpired(self, event, fact):
        self.invoice(fact["subject"], fact).expired = True

    def on_InvoiceCredited(self, event, fact):
        invoice = self.invoice(fact["subject"], fact)
        invoice.credited += fact["amount"]
        invoice.tax_told += fact["tax"]

    def on_InvoiceCancelled(self, event, fact):
        invoice = self.invoice(fact["subject"], fact)
        invoice.called_off = True
        invoice.cancelled += fact["amount"]
        invoice.tax_told += fact["tax"]

    def on_InvoicePaid(self, event, fact):
        invoice = self.invoice(fact["subject"], fact)
        if fact["offline"]:
            invoice.offline += fact["amount"]
            invoice.tax_told += fact["tax"]

    def on_PaymentAllocated(self, event, fact):
        self.allocations[event.id] = fact
        if fact["item_kind"] == "payment":
            sign = 1 if fact["item_side"] == "credit" else -1
            self.payments[fact["item"]].told += sign * fact["amount"]
        item = self.clearing_item(fact)
        left = self.items[item]
        if left > 0 if fact["item_side"] == "credit" else left < 0:
            self.find(event, f"it goes past zero: {decimal(left)} {item[2]} are left on the other side of {item[0]}")
        if "invoice_id" in fact:
            invoice = self.invoices[fact["invoice_id"]]
            self.check_tax(event, fact, invoice)
            # An item on the debit side (money that went out) makes the invoice owed again: its receivable says so too.
            sign = 1 if fact["item_side"] == "credit" else -1
            invoice.allocated += sign * self.in_target(fact)
            invoice.tax_told += sign * fact.get("tax", 0)

    def clearing_item(self, fact):
        pattern = chart.CLEARING[fact["item_kind"]]
        code = self.book.code(self.home.get(fact["item"]) or fact["connection"]) if "{c}" in pattern else ""
        return pattern.format(c=code), fact["item"], fact["currency"]

    def check_tax(self, event, fact, invoice):
        """On payment: the tax part, half up at the currency's display exponent; the last allocation takes the rest."""
        if invoice.recognition != "on_payment":
            if fact.get("tax"):
                self.find(event, "states a tax, but its invoice was taxed when it was published")
            return
        amount = self.in_target(fact)
        if amount == invoice.outstanding:
            due = invoice.tax - invoice.tax_told
        else:
            if invoice.currency not in self.book.exponents:
                return  # nobody said to how many places people write it
            unit = 10 ** (4 - self.book.exponents[invoice.currency])
            due = (2 * invoice.tax * amount + invoice.total * unit) // (2 * invoice.total * unit) * unit
        if fact.get("tax", 0) != due:
            self.find(event, f"states a tax of {decimal(fact.get('tax', 0))}, by the invoice it is {decimal(due)}")

    def in_target(self, fact):
        return fact["target_amount"]["amount"] if "target_amount" in fact else fact["amount"]

    def on_PaymentDeallocated(self, event, fact):
        told = self.allocations.get(fact["allocation"])
        if told is None:
            return  # said already, when it could not be posted
        if told["item_kind"] == "payment":
            sign = 1 if told["item_side"] == "credit" else -1
            self.payments[told["item"]].told -= sign * fact["amount"]
        if "invoice_id" in told:
            invoice = self.invoices[told["invoice_id"]]
            sign = 1 if told["item_side"] == "credit" else -1
            invoice.deallocated += sign * self.in_target(fact)
            invoice.tax_told -= sign * fact.get("tax", 0)

    # -- control

    def on_DiscrepancyRaised(self, event, fact):
        self.discrepancies[event.id] = event
        if "about" in fact:
            self.raised_about[fact["about"]].append(event)

    def on_DiscrepancyResolved(self, event, fact):
        raised = self.discrepancies.get(fact["discrepancy"])
        if raised is None or fact["verdict"] == "move":
            return
        withheld = self.withheld.pop(raised.fact.get("about"), None)
        if withheld and fact["verdict"] == "accept":
            self.remember(withheld)

    def on_AdjustmentPosted(self, event, fact):
        for line in event.stated:
            if line.item and line.account == chart.R:
                self.invoices[line.item].adjusted += line.amount
            elif line.item and line.account.startswith("liabilities:clearing:collections:"):
                self.payments[line.item].written += line.amount

    on_CorrectionPosted = on_AdjustmentPosted

    def on_PeriodClosed(self, event, fact):
        # Now, while the balances stand where they stood for whoever closed it.
        self.periods.append((event, periods.trial_balance_hash(self, event)))

    on_PeriodReopened = on_PeriodClosed
