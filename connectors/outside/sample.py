"""A connector outside the process, whole: Acme Pay's status JSON in, claims out. Standard library only.

  python3 sample.py                    one request a line in, one answer a line out: ensimbi connectors check --outside
  python3 sample.py URL KIND FILE...   posts files with the connection's key, which is in ACME_KEY
"""
import base64, decimal, json, os, re, sys, urllib.request
from datetime import datetime
from decimal import Decimal

decimal.getcontext().prec = 50

class Bad(Exception):
    """A field that cannot be read, and what was expected; never its value, which may be a person's."""

def once(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise Bad("body", "a field is given twice")
    return dict(pairs)

def read(raw):
    try:  # a number is read from its own text, and no float ever touches it
        of = json.loads(raw.decode(), object_pairs_hook=once, parse_float=Decimal, parse_constant=Decimal)
        return of if isinstance(of, dict) else {}
    except (ValueError, RecursionError, decimal.DecimalException):
        raise Bad("body", "no JSON")

def text(of, field, pattern):
    if not isinstance(of.get(field), str) or not re.fullmatch(pattern, of[field], re.ASCII):
        raise Bad(field, "expected a text like " + pattern)
    return of[field]

def amount(of, field):
    value = Decimal(of[field]) if type(of.get(field)) in (int, Decimal) else Decimal("NaN")
    if not value.is_finite() or value.adjusted() > 13 or value != value.quantize(Decimal("0.0001")):
        raise Bad(field, "expected a number with at most four decimals")
    return value

def claims(kind, raw):
    of = read(raw)
    show = lambda value: format(value.normalize() + 0, "f")
    said = {"currency": text(of, "currency", "UGX|KES|ITX"), "wallet": text(of, "wallet", r"[\w-]{1,40}"),
            "occurred_at": text(of, "at", r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")}
    try:
        datetime.strptime(of["at"], "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise Bad("at", "expected a time")
    if kind == "wallet_balance":
        body = {"type": "BalanceReported", "as_of": of["at"], "balance": show(amount(of, "balance"))}
        wallet = {"kind": "wallet", "id": of["wallet"]}
        return {"said": [{"object": wallet, "subject_kind": "wallet", "occurrence": of["at"], "body": body, **said}]}
    total, fee, state = amount(of, "total"), amount(of, "fee"), text(of, "state", "[A-Z_]{1,30}")
    fees = [{"component": "provider", "bearer": "merchant", "amount": show(fee), "currency": of["currency"],
             "source": "observed", "label": "fee"}] if fee else []
    bodies = {"OPEN": {"type": "CollectionPending", "amount": show(total)},
              "FAILED": {"type": "CollectionFailed", "amount": show(total), "is_final": True, "reason": state},
              "PAID": {"type": "CollectionSucceeded", "gross": show(total), "net": show(total - fee),
                       "net_source": "derived", "fees": fees}}
    if state not in bodies:
        return {"unknown": ["state"]}
    party = {"party": {"phone": text(of, "phone", r"\+?\d{5,15}")}} if of.get("phone") else {}
    payment = {"kind": "payment", "id": text(of, "id", r"[\w-]{1,40}")}
    return {"said": [{"object": payment, "subject_kind": "payment", "body": bodies[state], **said, **party}]}

for line in sys.stdin if len(sys.argv) < 4 else sys.argv[3:]:
    post = len(sys.argv) > 3
    raw = base64.b64encode(open(line, "rb").read()).decode() if post else None
    asked = {"kind": sys.argv[2], "body": raw} if post else json.loads(line)
    try:
        answer = claims(asked["kind"], base64.b64decode(asked["body"]))
    except Bad as why:
        answer = {"unreadable": dict(zip(("field", "problem"), why.args))}
    if post and "unreadable" not in answer:
        body = json.dumps({**asked, "translator": "acme.1", "said": [], **answer}).encode()
        headers = {"Authorization": "Bearer " + os.environ["ACME_KEY"], "Content-Type": "application/json"}
        request = urllib.request.Request(sys.argv[1] + "/v1/observations", body, headers)
        answer = json.load(urllib.request.urlopen(request))
    print(json.dumps(answer), flush=True)
