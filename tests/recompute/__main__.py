"""A second opinion on a book: `python3 tests/recompute LEAVES --answers DIR`.

Posts every event again from its facts, compares with the recorded lines, checks the laws, and holds all balances against
the product's answers. Exit code 0: all agree; 1: something differs, and it is named; 2: the input cannot be judged.
"""

import sys

sys.dont_write_bytecode = True  # it runs from a source tree and leaves nothing there

import argparse  # noqa: E402
from pathlib import Path  # noqa: E402

import cbor  # noqa: E402
import compare  # noqa: E402
import laws  # noqa: E402
import leaf  # noqa: E402
import periods  # noqa: E402
from state import Books  # noqa: E402

SHOWN = 20


def arguments():
    parser = argparse.ArgumentParser(prog="recompute", description=__doc__.partition("\n\n")[0])
    parser.add_argument("leaves", type=Path, help="what `ensimbi export leaves` wrote")
    parser.add_argument("--answers", type=Path, help="folder with the product's answers (wallets.json, fees.json, "
                        "invoices.json, open-items.json, trial-balance.json; pages as wallets-1.json ...)")
    return parser.parse_args()


def say(name, count, differences):
    """One line a kind, then what differs; gives whether it agrees."""
    print(f"{'ok ' if not differences else 'NO '} {name}: {count} compared, {len(differences)} differ")
    for sentence in differences[:SHOWN]:
        print(f"      {sentence}")
    if len(differences) > SHOWN:
        print(f"      and {len(differences) - SHOWN} more")
    return not differences


def judge(events, folder):
    """Folds the events and says what agrees."""
    books = Books()
    for event in events:
        try:
            books.fold(event)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise leaf.Unusable(f"{event}: a field has not the form that it should have: {error!r}") from None
    print(f"    {len(events)} events, {books.posted_events} with lines, {books.line_count} lines, "
          f"{len(books.payments)} collected payments, {len(books.withheld_ever)} withheld")
    agreed = [say("events, from their facts", len(events), books.findings)]
    for name, law in laws.LAWS.items():
        agreed.append(say(name, *law(books)))
    checked, wrong = periods.check(books)
    if checked:
        agreed.append(say("hashes of closed periods", checked, wrong))
    answers = compare.Answers(folder, len(events)) if folder else None
    kinds = [compare.trial_balance(books, answers, events)]
    kinds += compare.all_kinds(books, answers) if answers else []
    agreed += [say(kind.name, kind.compared, kind.differences) for kind in kinds]
    return all(agreed)


def main():
    args = arguments()
    try:
        events = leaf.read(args.leaves.read_bytes())
        agreed = judge(events, args.answers)
    except (leaf.Unusable, cbor.BadBytes, OSError) as error:
        print(f"recompute: {error}", file=sys.stderr)
        return 2
    print("the two books agree" if agreed else "THE TWO BOOKS DIFFER")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
