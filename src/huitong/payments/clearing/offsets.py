"""Setting queued gross payments off against each other, pure: who can pay together and not alone.

First all queues together, in their order; then two banks at a time, where a payment may overtake
others of its bank if that leaves the bank with no less money than it had. All sums are minor units.
"""

from itertools import takewhile

from huitong.payments.clearing import limits
from huitong.payments.clearing.netting import Book, Item, keep_payable


def find_groups(book: Book) -> list[list[Item]]:
    """Return groups of payments that can be settled, each group at once and in this order.

    `book` is that of gross payments after `release`, and is moved on by what is found. What is
    reserved for urgent payments is not used. Worked: A holds 10, B and C nothing; A→B 100, B→C 95
    and C→A 90 wait: no one can go alone, and all three go as one group, after which A holds 0, B 5
    and C 5.
    """
    groups = []
    together = _offset_all(book)
    if together:
        groups.append(together)
        _take(book, together)
    for first, second in _list_mutual(book):
        pair = _offset_pair(book, first, second)
        if pair:
            groups.append(pair)
            _take(book, pair)
    return groups


def _list_mutual(book: Book) -> list[tuple[str, str]]:
    """Return the pairs of banks that have payments waiting for each other."""
    sides = {(item.debtor, item.creditor) for queue in book.queues.values() for item in queue}
    return sorted(
        (debtor, creditor)
        for debtor, creditor in sides
        if debtor < creditor and (creditor, debtor) in sides
    )


def _offset_all(book: Book) -> list[Item]:
    waiting = sorted((item for queue in book.queues.values() for item in queue), key=book.rank)
    # The front of all is a front part of each queue, so nothing overtakes.
    floors = {bank: _usable(book, bank) for bank in book.net}
    return keep_payable(waiting[: limits.OFFSET_PAYMENTS_MAX], floors, rank=book.rank)


def _offset_pair(book: Book, first: str, second: str) -> list[Item]:
    """Return the largest sum that two banks can set off, with both of them sending."""
    best: list[Item] = []
    for is_first_spending in (True, False):
        for is_second_spending in (True, False):
            items = [
                *_list_candidates(book, first, second, is_spending=is_first_spending),
                *_list_candidates(book, second, first, is_spending=is_second_spending),
            ]
            floors = {
                first: _usable(book, first) if is_first_spending else 0,
                second: _usable(book, second) if is_second_spending else 0,
            }
            kept = keep_payable(items, floors, rank=book.rank)
            is_mutual = len({item.debtor for item in kept}) > 1
            if is_mutual and _sum(kept) > _sum(best):
                best = kept
    return best


def _list_candidates(book: Book, debtor: str, creditor: str, *, is_spending: bool) -> list[Item]:
    """Return what a bank sends to the other one.

    If it may end with less money, only what is at the front of its queue: others of its payments
    wait for that money.
    """
    queue = book.queues.get(debtor, [])
    if is_spending:
        found = list(takewhile(lambda item: item.creditor == creditor, queue))
    else:
        found = [item for item in queue if item.creditor == creditor]
    return found[: limits.OFFSET_PAYMENTS_MAX // 2]


def _usable(book: Book, bank: str) -> int:
    return max(book.net[bank] - book.reserved.get(bank, 0), 0)


def _sum(items: list[Item]) -> int:
    return sum(item.amount for item in items)


def _take(book: Book, items: list[Item]) -> None:
    gone = {item.id for item in items}
    for item in items:
        book.net[item.debtor] -= item.amount
        book.net[item.creditor] += item.amount
    for bank, queue in book.queues.items():
        book.queues[bank] = [item for item in queue if item.id not in gone]
