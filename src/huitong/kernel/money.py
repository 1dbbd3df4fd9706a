"""Money: an exact whole number of minor units in one currency.

Nothing here rounds unless the caller names the rounding, mixes currencies, or accepts a float.
Amounts fit PostgreSQL's BIGINT by construction, so a sum that would not fit is refused here
and not by the database in the middle of a batch.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
    Overflow,
)
from enum import StrEnum
from typing import Self

from huitong.kernel import limits
from huitong.kernel.currencies import exponent_of
from huitong.kernel.errors import InvalidField, Refusal

# Explicit 0-9, because \d also means the digits of every other script, full-width ones included.
_AMOUNT_SHAPE = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")

# Wide enough for nineteen digits times the longest factor that is allowed, so that a product is
# exact and the one rounding that happens is the one that the caller named.
_EXACT = Context(prec=2 * limits.FACTOR_DIGITS_MAX, traps=[Inexact, InvalidOperation, Overflow])


class CurrencyMismatch(Refusal):
    """Two amounts in different currencies met in one calculation."""

    code = "currency_mismatch"
    title = "The amounts are in different currencies"


class AmountOutOfRange(Refusal):
    """An amount does not fit 64 bits of minor units."""

    code = "amount_out_of_range"
    title = "The amount is too large to be recorded"


class Rounding(StrEnum):
    """The ways to reach a whole minor unit; the field of business decides which one is right."""

    HALF_UP = ROUND_HALF_UP
    HALF_EVEN = ROUND_HALF_EVEN
    HALF_DOWN = ROUND_HALF_DOWN
    DOWN = ROUND_DOWN
    UP = ROUND_UP
    FLOOR = ROUND_FLOOR
    CEILING = ROUND_CEILING


@dataclass(frozen=True, slots=True)
class Money:
    """`Money(1050, "CNY")` is ten yuan fifty; negative amounts are allowed (differences)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Check type, currency and range.

        Raises TypeError for anything but a plain int (a bool or a float is a bug of the caller),
        UnknownCurrency, and AmountOutOfRange.
        """
        # The exact type, because bool is an int to isinstance and numpy integers overflow.
        if type(self.minor) is not int:
            raise TypeError(
                f"Money takes a whole int of minor units, not {type(self.minor).__name__}"
            )
        exponent_of(self.currency)
        if not limits.MINOR_UNITS_MIN <= self.minor <= limits.MINOR_UNITS_MAX:
            raise AmountOutOfRange(
                f"An amount in {self.currency} does not fit 64 bits of minor units",
                context={"currency": self.currency},
            )

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Return nothing, in a currency."""
        return cls(0, currency)

    @classmethod
    def parse(
        cls,
        text: object,
        currency: str,
        *,
        field: str = "amount",
        allow_negative: bool = False,
    ) -> Self:
        """Return the amount that a decimal text such as "10.50" means.

        Accepted: digits 0-9 without a leading zero, optionally a point followed by at most as many
        decimals as the currency has (fewer are fine: "10.5" CNY), and a leading minus only with
        `allow_negative`. Everything else is refused with InvalidField naming `field`: other types,
        exponents, plus signs, commas, spaces, digits of other scripts, NaN, too many decimals.
        Raises UnknownCurrency.
        """
        exponent = exponent_of(currency)
        if not isinstance(text, str):
            raise InvalidField(
                f"{field} must be a decimal number in a text, such as "
                f'"{cls(0, currency).format()}", not a {type(text).__name__}',
                field=field,
            )
        # The length is looked at first: the pattern and int() must not see an endless text.
        shape = (
            _AMOUNT_SHAPE.fullmatch(text) if len(text) <= limits.AMOUNT_TEXT_LENGTH_MAX else None
        )
        if shape is None:
            raise InvalidField(
                f"{field} must be plain digits with at most {exponent} decimals after a point: "
                "no exponent, no plus sign, no separators",
                field=field,
            )
        sign, whole, decimals = shape.group(1), shape.group(2), shape.group(3) or ""
        if len(decimals) > exponent:
            raise InvalidField(
                f"{field} has {len(decimals)} decimals, but {currency} has {exponent}",
                field=field,
                context={"currency": currency, "decimals_max": exponent},
            )
        minor = int(whole + decimals.ljust(exponent, "0"))
        if sign and not allow_negative:
            raise InvalidField(f"{field} must not be negative", field=field)
        if sign and minor == 0:
            raise InvalidField(f"{field} is a negative zero", field=field)
        minor = -minor if sign else minor
        if not limits.MINOR_UNITS_MIN <= minor <= limits.MINOR_UNITS_MAX:
            raise InvalidField(f"{field} is too large to be recorded", field=field)
        return cls(minor, currency)

    @classmethod
    def from_json(
        cls, value: object, *, field: str = "amount", allow_negative: bool = False
    ) -> Self:
        """Return the amount of `{"amount": "10.50", "currency": "CNY"}`, exactly those two members.

        Raises InvalidField with the member at fault: `field.amount`, `field.currency` or `field`.
        """
        if not isinstance(value, dict) or value.keys() != {"amount", "currency"}:
            raise InvalidField(
                f'{field} must be an object with the members "amount" and "currency" only',
                field=field,
            )
        currency = value["currency"]
        try:
            exponent_of(currency)
        except InvalidField as refusal:
            # The caller knows the member by its own path, not by the word "currency" alone.
            refusal.field = f"{field}.currency"
            raise
        return cls.parse(
            value["amount"], currency, field=f"{field}.amount", allow_negative=allow_negative
        )

    @classmethod
    def total(cls, amounts: Iterable["Money"], currency: str) -> Self:
        """Return the sum of amounts that are all in `currency`; of none, zero.

        The currency is an argument because an empty sum would otherwise have none.
        Raises CurrencyMismatch and AmountOutOfRange.
        """
        minor = 0
        for amount in amounts:
            if amount.currency != currency:
                raise _mismatch(currency, amount.currency)
            minor += amount.minor
        return cls(minor, currency)

    @property
    def is_zero(self) -> bool:
        """Say whether there is nothing here."""
        return self.minor == 0

    @property
    def is_positive(self) -> bool:
        """Say whether the amount is above zero."""
        return self.minor > 0

    @property
    def is_negative(self) -> bool:
        """Say whether the amount is below zero."""
        return self.minor < 0

    def __bool__(self) -> bool:
        """Refuse: `if fee:` means "was given" to one reader and "is above zero" to another."""
        raise TypeError("Money has no truth value: ask is_zero, is_positive or `is None`")

    def __add__(self, other: "Money") -> Self:
        """Return the sum; raises CurrencyMismatch and AmountOutOfRange."""
        if not isinstance(other, Money):
            return NotImplemented
        self._check_same_currency(other)
        return type(self)(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> Self:
        """Return the difference; raises CurrencyMismatch and AmountOutOfRange."""
        if not isinstance(other, Money):
            return NotImplemented
        self._check_same_currency(other)
        return type(self)(self.minor - other.minor, self.currency)

    def __neg__(self) -> Self:
        """Return the amount with the other sign."""
        return type(self)(-self.minor, self.currency)

    def __abs__(self) -> Self:
        """Return the amount without its sign."""
        return type(self)(abs(self.minor), self.currency)

    def __lt__(self, other: "Money") -> bool:
        """Compare within one currency; raises CurrencyMismatch across two."""
        if not isinstance(other, Money):
            return NotImplemented
        self._check_same_currency(other)
        return self.minor < other.minor

    def __le__(self, other: "Money") -> bool:
        """Compare within one currency; raises CurrencyMismatch across two."""
        if not isinstance(other, Money):
            return NotImplemented
        self._check_same_currency(other)
        return self.minor <= other.minor

    def multiply(self, factor: Decimal, rounding: Rounding) -> Self:
        """Return `self` × `factor`, rounded once, to a whole minor unit, in the named way.

        For a rate: 1,000.00 CNY × Decimal("0.006") is 6.00 CNY. Raises TypeError unless `factor`
        is a Decimal and `rounding` a Rounding, ValueError for a factor that is not finite or has
        over 60 digits, AmountOutOfRange for the result.
        """
        if not isinstance(factor, Decimal):
            raise TypeError(f"Money is multiplied by Decimal only, not {type(factor).__name__}")
        if not isinstance(rounding, Rounding):
            raise TypeError(f"The rounding must be named by Rounding, not {rounding!r}")
        _check_factor(factor)
        product = _EXACT.multiply(Decimal(self.minor), factor)
        return type(self)(
            int(product.to_integral_value(rounding=rounding.value, context=_EXACT)), self.currency
        )

    def allocate(self, weights: Sequence[int | Decimal]) -> tuple[Self, ...]:
        """Split into as many parts as there are weights, in proportion, losing no minor unit.

        Largest-remainder method: each part is the exact share rounded towards zero; the units
        left over go one each to the largest remainders, to the earlier part on a tie. So each part
        is within one unit of its exact share, a zero weight gets nothing, and the same call always
        gives the same answer: 1.00 over (1, 1, 1) is 0.34, 0.33, 0.33.

        Raises TypeError for weights that are not int or Decimal, ValueError for none, too many,
        negative ones or only zeros.
        """
        scaled = _whole_weights(weights)
        whole = abs(self.minor)
        weight_sum = sum(scaled)
        parts: list[int] = []
        remainders: list[int] = []
        for weight in scaled:
            part, remainder = divmod(whole * weight, weight_sum)
            parts.append(part)
            remainders.append(remainder)
        left_over = whole - sum(parts)
        # sorted() is stable, which is what makes a tie go to the earlier part.
        for index in sorted(range(len(parts)), key=lambda i: -remainders[i])[:left_over]:
            parts[index] += 1
        sign = -1 if self.minor < 0 else 1
        return tuple(type(self)(sign * part, self.currency) for part in parts)

    def format(self) -> str:
        """Return the plain decimal text, with all decimals of the currency: "10.50"."""
        exponent = exponent_of(self.currency)
        digits = str(abs(self.minor)).rjust(exponent + 1, "0")
        sign = "-" if self.minor < 0 else ""
        if exponent == 0:
            return f"{sign}{digits}"
        return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"

    def to_json(self) -> dict[str, str]:
        """Return `{"amount": "10.50", "currency": "CNY"}`: a text, so that no client rounds it."""
        return {"amount": self.format(), "currency": self.currency}

    def to_decimal(self) -> Decimal:
        """Return the amount in major units, for rates and reports."""
        return Decimal(self.minor).scaleb(-exponent_of(self.currency), context=_EXACT)

    def __str__(self) -> str:
        """Return "10.50 CNY"."""
        return f"{self.format()} {self.currency}"

    def _check_same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise _mismatch(self.currency, other.currency)


def _mismatch(one: str, other: str) -> CurrencyMismatch:
    return CurrencyMismatch(
        f"{one} and {other} cannot be calculated with together",
        context={"currencies": [one, other]},
    )


def _check_factor(factor: Decimal) -> None:
    if not factor.is_finite():
        raise ValueError(f"{factor} is not a number that money can be multiplied by")
    reach = max(len(factor.as_tuple().digits), abs(factor.adjusted()))
    if reach > limits.FACTOR_DIGITS_MAX:
        raise ValueError(f"A factor has at most {limits.FACTOR_DIGITS_MAX} digits, not {reach}")


def _whole_weights(weights: Sequence[int | Decimal]) -> list[int]:
    """Return the weights as integers in the same proportion."""
    if not 0 < len(weights) <= limits.ALLOCATION_PARTS_MAX:
        raise ValueError(
            f"An allocation has 1 to {limits.ALLOCATION_PARTS_MAX} weights, not {len(weights)}"
        )
    ratios: list[tuple[int, int]] = []
    for weight in weights:
        if isinstance(weight, Decimal):
            _check_factor(weight)
        elif type(weight) is not int:
            raise TypeError(f"A weight is an int or a Decimal, not {type(weight).__name__}")
        if weight < 0:
            raise ValueError(f"A weight must not be negative: {weight}")
        ratios.append(weight.as_integer_ratio())
    # Denominators of decimals are products of 2 and 5 within a bound, so that their least common
    # multiple stays small.
    scale = math.lcm(*(denominator for _, denominator in ratios))
    scaled = [numerator * (scale // denominator) for numerator, denominator in ratios]
    if not any(scaled):
        raise ValueError("At least one weight must be above zero")
    return scaled
