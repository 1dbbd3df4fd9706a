"""Deciding, without a database: order, undoing, and what is handed to the writer."""

import copy
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from huitong.kernel.ids import uuid7
from huitong.ledger.books import AccountBook, Books, MeterBook
from huitong.ledger.decide import decide, fingerprint_entry
from huitong.ledger.rules import roll_meter
from huitong.ledger.types import (
    AccountState,
    BalanceLimit,
    Entry,
    MeterUse,
    Reason,
    Request,
    Transfer,
    TransferKind,
    Verdict,
)

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
NO_OVERDRAFT = BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS


def make_books() -> Books:
    """Three accounts: 1 a wallet with 100, 2 a wallet with at most 50, 3 without limits."""
    return Books(
        accounts={
            1: AccountBook("CNY", AccountState.OPEN, NO_OVERDRAFT, None, credits_posted=100),
            2: AccountBook("CNY", AccountState.OPEN, NO_OVERDRAFT, 50),
            3: AccountBook("CNY", AccountState.OPEN, BalanceLimit.NONE, None),
        }
    )


def make(debit: int = 0, credit: int = 0, amount: int | None = None, **more) -> Transfer:
    return Transfer(
        **{
            "id": uuid7(int(NOW.timestamp() * 1_000)),
            "debit_account_id": debit,
            "credit_account_id": credit,
            "amount": amount,
            "currency": "CNY" if debit else "",
            "code": 201,
            "effective_on": date(2026, 3, 2),
            **more,
        }
    )


def ask(*transfers: Transfer, meters=()) -> Request:
    return Request(Entry(tuple(transfers), transfers[0].id if len(transfers) > 1 else None), meters)


moves = st.tuples(
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from([0, 1, 20, 49, 100, 2**63 - 1, 2**63]),
    st.sampled_from(["transfer", "hold", "post", "void", "expire"]),
)


@given(st.lists(st.lists(moves, min_size=1, max_size=3), max_size=8))
def test_a_refused_entry_leaves_the_books_as_they_were(drawn):
    books = make_books()
    holds = [uuid7()]
    for lines in drawn:
        transfers = []
        for debit, credit, amount, kind in lines:
            if kind in ("transfer", "hold"):
                more = {"kind": TransferKind.PENDING} if kind == "hold" else {}
                transfers.append(make(debit, credit, amount, **more))
                if kind == "hold":
                    holds.append(transfers[-1].id)
            else:
                kinds = {"post": 2, "void": 3, "expire": 4}
                transfers.append(
                    make(kind=TransferKind(kinds[kind]), pending_id=holds[amount % len(holds)])
                )
        use = MeterUse(account_id=1, meter=1, amount=1, on_day=date(2026, 3, 2), day_count_max=4)
        before = copy.deepcopy(books)

        decision = decide([ask(*transfers, meters=[use])], books, now=NOW)

        if decision.outcomes[0].verdict is Verdict.REFUSED:
            assert (books.accounts, books.holds, books.meters) == (
                before.accounts,
                before.holds,
                before.meters,
            )
            assert decision.journal == []
            assert not decision.meters_used
        else:
            assert [row.id for row in decision.journal] == [t.id for t in transfers]
        assert all(
            book.limits is BalanceLimit.NONE
            or book.debits_posted + book.debits_pending <= book.credits_posted
            for book in books.accounts.values()
        )
        assert sum(b.debits_posted for b in books.accounts.values()) + 100 == sum(
            b.credits_posted for b in books.accounts.values()
        )
        assert all(min(b.totals) >= 0 for b in books.accounts.values())


def test_hands_the_writer_every_hold_that_it_made_or_resolved():
    books = make_books()
    kept, posted = (make(1, 3, 10, kind=TransferKind.PENDING) for _ in range(2))
    post = make(kind=TransferKind.POST_PENDING, pending_id=posted.id, amount=4)

    decision = decide([ask(kept), ask(posted), ask(post)], books, now=NOW)

    assert decision.holds_made == [kept.id, posted.id]
    assert decision.holds_resolved == [posted.id]
    assert [(row.kind, row.amount, row.debit_account_id) for row in decision.journal] == [
        (TransferKind.PENDING, 10, 1),
        (TransferKind.PENDING, 10, 1),
        (TransferKind.POST_PENDING, 4, 1),
    ]
    assert books.accounts[1].totals == (4, 100, 10, 0)
    assert books.holds[posted.id].posted_amount == 4


def test_a_void_carries_no_amount_into_the_journal():
    books = make_books()
    hold = make(1, 3, 10, kind=TransferKind.PENDING)
    void = make(kind=TransferKind.VOID_PENDING, pending_id=hold.id, amount=7)

    decision = decide([ask(hold), ask(void)], books, now=NOW)

    assert [row.amount for row in decision.journal] == [10, 0]
    assert books.accounts[1].totals == (0, 100, 0, 0)


def test_remembers_a_refusal_under_every_identifier_of_the_entry():
    books = make_books()
    good, bad = make(1, 3, 10), make(1, 3, 91)

    decision = decide([ask(good, bad)], books, now=NOW)

    assert decision.outcomes[0].index == 1
    assert set(decision.refusals) == {good.id, bad.id}


def test_forgets_a_refusal_that_the_request_alone_earned():
    old = uuid7(int((NOW - timedelta(days=8)).timestamp() * 1_000))
    requests = [
        ask(make(1, 3, 0)),
        ask(make(1, 3, 2**63)),
        ask(make(1, 1, 1)),
        ask(make(1, 3, 1, id=old)),
        ask(make(1, 3, 1, kind=TransferKind.PENDING, expires_at=NOW)),
    ]

    decision = decide(requests, make_books(), now=NOW)

    assert [outcome.reason for outcome in decision.outcomes] == [
        Reason.AMOUNT_NOT_POSITIVE,
        Reason.AMOUNT_TOO_LARGE,
        Reason.SAME_ACCOUNT,
        Reason.ID_TIME_OUT_OF_RANGE,
        Reason.EXPIRY_IN_PAST,
    ]
    assert decision.refusals == {}


def test_refuses_a_negative_use_of_a_meter():
    use = MeterUse(account_id=1, meter=1, amount=-1, on_day=date(2026, 3, 2), day_max=10)

    decision = decide([ask(make(1, 3, 1), meters=[use])], make_books(), now=NOW)

    assert decision.outcomes[0].reason is Reason.AMOUNT_NOT_POSITIVE


def test_refuses_a_hold_whose_accounts_are_not_locked():
    books = make_books()
    hold = make(1, 3, 10, kind=TransferKind.PENDING)
    decide([ask(hold)], books, now=NOW)
    del books.accounts[1]

    decision = decide(
        [ask(make(kind=TransferKind.POST_PENDING, pending_id=hold.id))], books, now=NOW
    )

    assert decision.outcomes[0].reason is Reason.HOLD_NOT_FOUND


@given(st.data())
def test_every_part_of_an_entry_changes_its_fingerprint(data):
    transfer = make(1, 3, 10, kind=TransferKind.PENDING, expires_at=NOW)
    other = {
        "id": uuid7(),
        "debit_account_id": 13,
        "credit_account_id": 1,
        "amount": None,
        "currency": "USD",
        "code": 301,
        "effective_on": date(2026, 3, 3),
        "kind": TransferKind.POSTED,
        "pending_id": uuid7(),
        "expires_at": NOW + timedelta(microseconds=1),
        "corrects_id": uuid7(),
    }
    name = data.draw(st.sampled_from(sorted(other)))
    whole = Entry((transfer,))
    changed = Entry((replace(transfer, **{name: other[name]}),))

    assert fingerprint_entry(whole) == fingerprint_entry(Entry((replace(transfer),)))
    assert fingerprint_entry(whole) != fingerprint_entry(changed)
    assert fingerprint_entry(whole) != fingerprint_entry(Entry((transfer,), uuid7()))
    assert fingerprint_entry(whole) != fingerprint_entry(Entry((transfer, transfer)))


days = st.dates(date(2024, 12, 30), date(2025, 1, 2))


@given(st.lists(st.tuples(days, st.integers(0, 100)), min_size=1, max_size=12))
def test_a_meter_adds_up_to_what_its_day_and_year_have_seen(drawn):
    book = None
    counted: list[tuple[date, int]] = []
    for on_day, amount in drawn:
        today = max([on_day, *[day for day, _ in counted]])
        counted.append((today, amount))

        book = roll_meter(book, MeterUse(account_id=1, meter=1, amount=amount, on_day=on_day))

        same_day = [n for day, n in counted if day == today]
        assert book == MeterBook(
            today,
            sum(same_day),
            len(same_day),
            sum(n for day, n in counted if day.year == today.year),
            sum(n for _, n in counted),
        )
