"""Taking one refused entry's changes back from the books."""

import uuid

from huitong.ledger.books import AccountBook, Books, HoldBook, MeterBook


class Undo:
    """Takes one entry's changes back. Small enough to copy what is touched, once each."""

    __slots__ = ("_accounts", "_books", "_holds", "_meters")

    def __init__(self, books: Books) -> None:
        self._books = books
        self._accounts: dict[int, tuple[int, int, int, int]] = {}
        self._holds: dict[uuid.UUID, HoldBook | None] = {}
        self._meters: dict[tuple[int, int], MeterBook | None] = {}

    def account(self, number: int, book: AccountBook) -> None:
        """Remember an account's totals before its first change."""
        if number not in self._accounts:
            self._accounts[number] = book.totals

    def hold(self, identifier: uuid.UUID, before: HoldBook | None) -> None:
        """Remember a hold before its change; None if it is new."""
        if identifier not in self._holds:
            self._holds[identifier] = before

    def meter(self, key: tuple[int, int], before: MeterBook | None) -> None:
        """Remember a meter before its first change; None if it is new."""
        if key not in self._meters:
            self._meters[key] = before

    def run(self) -> None:
        """Restore everything that was remembered."""
        for number, totals in self._accounts.items():
            book = self._books.accounts[number]
            (
                book.debits_posted,
                book.credits_posted,
                book.debits_pending,
                book.credits_pending,
            ) = totals
        for identifier, hold in self._holds.items():
            if hold is None:
                self._books.holds.pop(identifier, None)
            else:
                self._books.holds[identifier] = hold
        for key, meter in self._meters.items():
            if meter is None:
                self._books.meters.pop(key, None)
            else:
                self._books.meters[key] = meter
