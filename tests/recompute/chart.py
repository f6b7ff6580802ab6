"""The chart of accounts (bookkeeping, section 1), under the one-letter names that the posting table uses.

`c` is a connection's account code, `w` a wallet's, `x` a fee's component.
"""

W = "assets:wallet:{c}:{w}"                 # ours and spendable at the provider
H = "assets:held:{c}:{w}"                   # ours, withheld by the provider
D = "assets:disputed:{c}"                   # taken for a chargeback that is still open  [dispute]
C = "liabilities:clearing:collections:{c}"  # received, purpose not yet told             [payment]
P = "assets:clearing:payouts:{c}"           # paid out, purpose not yet told             [payout]
B = "assets:clearing:bank:{c}"              # between the wallet and our own bank        [transfer]
O = "assets:clearing:offline"               # paid without provider money                [invoice]  # noqa: E741
R = "assets:receivable"                     # published, not yet paid                    [invoice]
S = "liabilities:suspense:{c}"              # the wallet moved and nobody knows why      [discrepancy]
F = "expenses:fees:{c}:{x}"                 # fees we bear
M = "equity:memo:fees:{bearer}:{c}:{x}"     # fees that others bear: never in our wallet
MC = "equity:memo:contra"
I = "income:sales"                          # noqa: E741
T = "liabilities:tax:output"
E = "equity:opening:{c}"
V = "equity:conversion"                     # the bridge between currencies

ROOTS = ("assets", "liabilities", "equity", "income", "expenses")

# Accounts whose balance waits for an id; each must reach zero item by item.
ITEMISED = tuple(pattern.partition("{")[0] for pattern in (D, C, P, B, O, R, S))

CLEARING = {"payment": C, "payout": P, "transfer": B, "offline": O}


def itemised(account):
    """Whether every line on this account must name an open item."""
    return any(account == start or (start.endswith(":") and account.startswith(start)) for start in ITEMISED)
