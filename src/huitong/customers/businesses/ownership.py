"""Who owns a company in the end: shares multiply along a chain and add up over chains.

With S[k, j] the share of company j that company k holds, and w[k] the share of the target that
reaches k, w = e + S w, where e is 1 for the target and 0 for others. A person's effective share is
the sum of their shares of each company j times w[j]. Solving the equation exactly also sums the
endless chains of cross holdings, which walking along the chains would never finish.

Worked: 赵 has 60 % of 甲, 甲 has 50 % of the target, 赵 has 10 % of the target himself:
0.6 x 0.5 + 0.1 = 0.4. Source of the threshold: PBOC Order〔2025〕12, as a rule of the rulebook.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField, LimitExceeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """That `owner` (a person or a company) holds `share` of the company `owned`, from 0 to 1."""

    owner: str
    owned: str
    share: Decimal


class OwnerBasis(StrEnum):
    """Why somebody is a beneficial owner."""

    OWNERSHIP = "ownership"
    CONTROL = "control"
    SENIOR_MANAGER = "senior_manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeneficialOwner:
    """A person who stands behind a company; `share` is None unless the basis is ownership."""

    person: str
    basis: OwnerBasis
    share: Fraction | None


def calculate_shares(
    target: str, stakes: Sequence[Stake], *, people: Iterable[str]
) -> dict[str, Fraction]:
    """Return the effective share of `target` that each of `people` has, exactly.

    Who is in no chain has nothing. Companies that own each other entirely, with nobody outside,
    belong to nobody: what leads there counts for no person. Raises InvalidField for a share that
    is none, or more than all of a company; LimitExceeded for too many stakes.
    """
    _check(stakes)
    persons = frozenset(people)
    reached = _reach(target, stakes, persons)
    weights = _solve(target, reached, [stake for stake in stakes if stake.owner not in persons])
    shares = dict.fromkeys(sorted(persons), Fraction(0))
    for stake in stakes:
        if stake.owner in persons:
            shares[stake.owner] += Fraction(stake.share) * weights.get(stake.owned, Fraction(0))
    return shares


def find_beneficial_owners(
    target: str,
    stakes: Sequence[Stake],
    *,
    people: Iterable[str],
    share_min: Decimal,
    controllers: Sequence[str] = (),
    senior_managers: Sequence[str] = (),
) -> tuple[BeneficialOwner, ...]:
    """Return the beneficial owners: by ownership, else by control, else the senior managers.

    At least `share_min` of the whole makes an owner. The largest comes first; none means that
    nobody was named at all. Raises as `calculate_shares`.
    """
    shares = calculate_shares(target, stakes, people=people)
    owners = [
        BeneficialOwner(person=person, basis=OwnerBasis.OWNERSHIP, share=share)
        for person, share in shares.items()
        if share >= Fraction(share_min)
    ]
    if owners:
        return tuple(sorted(owners, key=lambda owner: (-(owner.share or 0), owner.person)))
    for basis, named in (
        (OwnerBasis.CONTROL, controllers),
        (OwnerBasis.SENIOR_MANAGER, senior_managers),
    ):
        if named:
            return tuple(
                BeneficialOwner(person=person, basis=basis, share=None)
                for person in dict.fromkeys(named)
            )
    return ()


def _check(stakes: Sequence[Stake]) -> None:
    if len(stakes) > limits.OWNERSHIP_STAKES_MAX:
        raise LimitExceeded(
            f"at most {limits.OWNERSHIP_STAKES_MAX} stakes are followed", field="stakes"
        )
    totals: dict[str, Fraction] = {}
    seen: set[tuple[str, str]] = set()
    for place, stake in enumerate(stakes):
        if not (stake.share.is_finite() and 0 < stake.share <= 1):
            raise InvalidField("must be above 0 and at most 1", field=f"stakes.{place}.share")
        if (stake.owner, stake.owned) in seen:
            raise InvalidField("names the same two again", field=f"stakes.{place}")
        seen.add((stake.owner, stake.owned))
        totals[stake.owned] = totals.get(stake.owned, Fraction(0)) + Fraction(stake.share)
        if totals[stake.owned] > 1:
            raise InvalidField(
                "makes more than the whole of the company", field=f"stakes.{place}.share"
            )


def _reach(target: str, stakes: Sequence[Stake], persons: frozenset[str]) -> list[str]:
    """Return the companies that a person reaches and that reach the target, the target first.

    Both ends matter: companies that only own each other would make the equation unsolvable.
    """
    owners: dict[str, list[str]] = {}
    for stake in stakes:
        owners.setdefault(stake.owned, []).append(stake.owner)
    above = _walk([target], owners) - persons
    below = _walk(persons, _invert(owners))
    return [target, *sorted((above & below) - {target})]


def _walk(starts: Iterable[str], next_of: Mapping[str, Sequence[str]]) -> set[str]:
    seen, waiting = set(starts), list(starts)
    while waiting:
        for each in next_of.get(waiting.pop(), ()):
            if each not in seen:
                seen.add(each)
                waiting.append(each)
    return seen


def _invert(owners: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    owned: dict[str, list[str]] = {}
    for company, names in owners.items():
        for name in names:
            owned.setdefault(name, []).append(company)
    return owned


def _solve(target: str, companies: Sequence[str], stakes: Sequence[Stake]) -> dict[str, Fraction]:
    """Solve (I - S) w = e by elimination over fractions; a column without a pivot is nobody's."""
    place = {company: number for number, company in enumerate(companies)}
    size = len(companies)
    rows = [
        [Fraction(int(row == column)) for column in range(size)] + [Fraction(0)]
        for row in range(size)
    ]
    rows[place[target]][size] = Fraction(1)
    for stake in stakes:
        if stake.owner in place and stake.owned in place:
            rows[place[stake.owner]][place[stake.owned]] -= Fraction(stake.share)
    for column in range(size):
        pivot = next((row for row in range(column, size) if rows[row][column]), None)
        if pivot is None:
            return {}
        rows[column], rows[pivot] = rows[pivot], rows[column]
        head = rows[column][column]
        rows[column] = [value / head for value in rows[column]]
        for row in range(size):
            if row != column and rows[row][column]:
                factor = rows[row][column]
                rows[row] = [
                    value - factor * above
                    for value, above in zip(rows[row], rows[column], strict=True)
                ]
    return {company: rows[number][size] for company, number in place.items()}
