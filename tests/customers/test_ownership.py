"""Beneficial owners through chains of ownership: worked examples and properties."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.customers import (
    BeneficialOwner,
    OwnerBasis,
    Stake,
    calculate_shares,
    find_beneficial_owners,
)
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField, LimitExceeded

QUARTER = Decimal("0.25")


def stake(owner: str, owned: str, share: str) -> Stake:
    return Stake(owner=owner, owned=owned, share=Decimal(share))


def test_shares_multiply_along_a_chain_and_add_up_over_chains() -> None:
    # 赵 has 60 % of 甲, which has half of the target, and a tenth of the target himself; 钱 has the
    # rest of 甲; 孙 has all of 乙, which has 24 % of the target.
    stakes = [
        stake("赵", "甲", "0.6"),
        stake("钱", "甲", "0.4"),
        stake("甲", "target", "0.5"),
        stake("赵", "target", "0.1"),
        stake("孙", "乙", "1"),
        stake("乙", "target", "0.24"),
    ]
    shares = calculate_shares("target", stakes, people=["赵", "钱", "孙"])
    assert shares == {"赵": Fraction(2, 5), "钱": Fraction(1, 5), "孙": Fraction(6, 25)}
    owners = find_beneficial_owners(
        "target", stakes, people=["赵", "钱", "孙"], share_min=QUARTER, controllers=["孙"]
    )
    assert owners == (
        BeneficialOwner(person="赵", basis=OwnerBasis.OWNERSHIP, share=Fraction(2, 5)),
    )


def test_cross_holdings_belong_to_the_people_outside_of_them() -> None:
    # The target has half of 甲, which has a fifth of the target; 赵 has the rest of both.
    stakes = [
        stake("target", "甲", "0.5"),
        stake("甲", "target", "0.2"),
        stake("赵", "target", "0.8"),
        stake("赵", "甲", "0.5"),
    ]
    assert calculate_shares("target", stakes, people=["赵"]) == {"赵": Fraction(1)}


def test_companies_that_own_only_each_other_belong_to_nobody() -> None:
    stakes = [
        stake("甲", "target", "0.7"),
        stake("乙", "甲", "1"),
        stake("甲", "乙", "1"),
        stake("赵", "target", "0.3"),
    ]
    assert calculate_shares("target", stakes, people=["赵"]) == {"赵": Fraction(3, 10)}


@pytest.mark.parametrize(
    ("share", "is_owner"), [("0.25", True), ("0.249999999999", False), ("1", True)]
)
def test_a_quarter_is_enough_and_less_is_not(share: str, is_owner: bool) -> None:
    owners = find_beneficial_owners(
        "target", [stake("赵", "target", share)], people=["赵"], share_min=QUARTER
    )
    assert bool(owners) is is_owner


def test_without_owners_control_counts_and_then_senior_managers() -> None:
    stakes = [stake(f"p{number}", "target", "0.2") for number in range(5)]
    people = [f"p{number}" for number in range(5)]
    by_control = find_beneficial_owners(
        "target",
        stakes,
        people=people,
        share_min=QUARTER,
        controllers=["p1", "p1"],
        senior_managers=["p2"],
    )
    by_office = find_beneficial_owners(
        "target", stakes, people=people, share_min=QUARTER, senior_managers=["p2"]
    )
    assert by_control == (BeneficialOwner(person="p1", basis=OwnerBasis.CONTROL, share=None),)
    assert by_office == (BeneficialOwner(person="p2", basis=OwnerBasis.SENIOR_MANAGER, share=None),)
    assert find_beneficial_owners("target", stakes, people=people, share_min=QUARTER) == ()


@pytest.mark.parametrize(
    ("stakes", "field"),
    [
        ([stake("赵", "target", "0")], "stakes.0.share"),
        ([stake("赵", "target", "1.01")], "stakes.0.share"),
        ([stake("赵", "target", "NaN")], "stakes.0.share"),
        ([stake("赵", "target", "0.6"), stake("钱", "target", "0.5")], "stakes.1.share"),
        ([stake("赵", "target", "0.1"), stake("赵", "target", "0.1")], "stakes.1"),
    ],
)
def test_shares_that_cannot_be_are_refused(stakes: list[Stake], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        calculate_shares("target", stakes, people=["赵", "钱"])
    assert refused.value.field == field


def test_there_is_a_most_that_is_followed() -> None:
    stakes = [
        stake(f"c{number}", f"c{number + 1}", "1")
        for number in range(limits.OWNERSHIP_STAKES_MAX + 1)
    ]
    with pytest.raises(LimitExceeded):
        calculate_shares("c0", stakes, people=[])
    chain = [*stakes[: limits.OWNERSHIP_STAKES_MAX - 1], stake("赵", "c0", "0.5")]
    shares = calculate_shares(f"c{limits.OWNERSHIP_STAKES_MAX - 1}", chain, people=["赵"])
    assert shares == {"赵": Fraction(1, 2)}


PEOPLE = ("p0", "p1", "p2")


@st.composite
def holdings(draw: st.DrawFn, *, has_cycles: bool) -> list[Stake]:
    """Companies c0 (the target) to c4, each wholly owned by people and other companies."""
    stakes = []
    for number in range(5):
        later = [f"c{other}" for other in range(5) if other > number]
        others = later if not has_cycles else [f"c{o}" for o in range(5) if o != number]
        owners = draw(
            st.lists(st.sampled_from([*PEOPLE, *others]), min_size=1, max_size=4, unique=True)
        )
        if not set(owners) & set(PEOPLE):
            owners.append("p0")
        parts = draw(st.lists(st.integers(1, 9), min_size=len(owners), max_size=len(owners)))
        scale = 1 << 6
        total = sum(parts)
        shares = [part * scale // total for part in parts]
        shares[-1] += scale - sum(shares)
        stakes += [
            Stake(owner=owner, owned=f"c{number}", share=Decimal(share) / scale)
            for owner, share in zip(owners, shares, strict=True)
            if share > 0
        ]
    return stakes


def walk(company: str, stakes: list[Stake], person: str) -> Fraction:
    """Follow every chain, which ends where there are no cycles."""
    return sum(
        (
            Fraction(each.share) * (1 if each.owner == person else walk(each.owner, stakes, person))
            for each in stakes
            if each.owned == company and (each.owner == person or each.owner not in PEOPLE)
        ),
        Fraction(0),
    )


@given(holdings(has_cycles=False))
def test_without_cycles_it_is_the_sum_over_all_chains(stakes: list[Stake]) -> None:
    shares = calculate_shares("c0", stakes, people=PEOPLE)
    assert shares == {person: walk("c0", stakes, person) for person in PEOPLE}


@given(holdings(has_cycles=True))
def test_a_company_that_is_wholly_owned_belongs_to_people_exactly_once(
    stakes: list[Stake],
) -> None:
    shares = calculate_shares("c0", stakes, people=PEOPLE)
    assert sum(shares.values()) == 1
    assert all(share >= 0 for share in shares.values())


@given(holdings(has_cycles=True), st.randoms(use_true_random=False))
def test_the_order_of_the_stakes_does_not_matter(stakes: list[Stake], chance: object) -> None:
    shuffled = list(stakes)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert calculate_shares("c0", stakes, people=PEOPLE) == calculate_shares(
        "c0", shuffled, people=PEOPLE
    )
