"""What the recomputation keeps of each payment and each invoice: the figures of laws 4 and 5."""

from dataclasses import dataclass


@dataclass
class Payment:
    """A collection. `told` is what allocations have taken from its open item, less what they put back."""
    currency: str | None = None
    gross: int = 0
    reversed: int = 0
    refunded: int = 0
    lost: int = 0
    told: int = 0
    written: int = 0   # lines that a person or a correction wrote on its item

    @property
    def open(self):
        """Law 4 turned round; its item on C must be this with the other sign."""
        return self.gross - self.reversed - self.refunded - self.lost - self.told - self.written


@dataclass
class Invoice:
    """An invoice from its first word on. A draft's total is nothing yet: it is owed only once it is published."""
    currency: str | None = None
    recognition: str | None = None
    published: bool = False
    expired: bool = False
    called_off: bool = False
    total: int = 0
    tax: int = 0
    allocated: int = 0
    deallocated: int = 0
    credited: int = 0
    cancelled: int = 0
    offline: int = 0
    adjusted: int = 0
    tax_told: int = 0

    @property
    def outstanding(self):
        """Law 5; what was paid offline is allocated as well, and what a person wrote on its receivable counts."""
        return (self.total - self.allocated + self.deallocated - self.credited - self.cancelled - self.offline
                + self.adjusted)

    @property
    def paid(self):
        return self.allocated - self.deallocated + self.offline

    @property
    def state(self):
        """The documents name the states and not their order. Where nothing is owed any more: called off, if any of it
        was; else paid, if any of it was; else credited."""
        if not self.published:
            return "cancelled" if self.called_off else "draft"
        if self.outstanding <= 0:
            if self.called_off:
                return "cancelled"
            if self.paid > 0 or self.adjusted < 0:
                return "paid"
            return "credited" if self.credited else "paid"
        if self.paid > 0:
            return "part_paid"
        return "expired" if self.expired else "published"
