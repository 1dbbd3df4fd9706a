"""Published annual rates: XIRR cases, and examples of regulators and vendors."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Final

from huitong.lending import rates
from huitong.lending.tie_out.results import Tie

#: Of the published value.
_CLOSE: Final = Decimal("1e-6")
#: Regulators print four places; one vendor's own solver stops at 1e-6.
_CLOSE_PRINTED: Final = Decimal("5e-5")
_CLOSE_VENDOR: Final = Decimal("2e-6")


def compare_internal_rates(cases: list[dict[str, Any]]) -> Iterator[Tie]:
    """Yield a tie for each case of flows: a net present value or an internal rate."""
    for case in cases:
        expected = case["expected"]
        name = f"{case['case']} {case['fn']}"
        if not case["cashflows"]:
            yield Tie(name, "not covered: the file has no flows")
            continue
        found = _solve(case)
        if expected is None or found is None:
            yield Tie(name, None if found is expected else f"{found} instead of {expected}")
            continue
        wanted = Decimal(repr(expected))
        is_close = abs(found - wanted) <= _CLOSE * max(Decimal(1), abs(wanted))
        yield Tie(name, None if is_close else f"{found:.9} instead of {wanted:.9}")


def _solve(case: dict[str, Any]) -> Decimal | None:
    flows = [
        rates.DatedFlow(date.fromisoformat(on), Decimal(repr(amount)))
        for on, amount in case["cashflows"]
    ]
    name, _, rate = case["fn"].partition("@")
    if name == "xnpv":
        return rates.net_present_value(flows, Decimal(rate))
    if name == "xnfv":
        return rates.net_future_value(flows, Decimal(rate))
    if name == "xirr":
        return rates.internal_rate(flows)
    return rates.periodic_rate([flow.amount for flow in flows])


def compare_annual_rates(cases: list[dict[str, Any]]) -> Iterator[Tie]:
    """Yield a tie for each example of an annual percentage rate or a payment in advance."""
    for case in cases:
        expected = Decimal(repr(case.get("expected_apr", case.get("expected_payment"))))
        found = _price(case)
        close = _CLOSE_VENDOR if "Adobe" in case["source"] else _CLOSE_PRINTED
        is_close = found is not None and abs(found - expected) <= close
        yield Tie(case["name"], None if is_close else f"{found} instead of {expected}")


def _price(case: dict[str, Any]) -> Decimal | None:
    if "advances_years" in case:
        given = [(_read(a), _read(t)) for a, t in case["advances_years"]]
        given += [(-_read(a), _read(t)) for a, t in case["payments_years"]]
        return rates.rate_at_times(given)
    args = case["args"]
    if "A" in args:
        return rates.nominal_rate(
            _read(args["A"]),
            _read(args["P"]),
            args["n"],
            odd_fraction=_read(args.get("f", 0)),
            whole_periods=args.get("t", 1),
        )
    rate, _, periods = str(args["rate"]).partition("/")
    monthly = Decimal(rate) / Decimal(periods or 1)
    return rates.payment_in_advance(monthly, args["n"], _read(args["pv"]), advance=args["advance"])


def _read(number: float) -> Decimal:
    return Decimal(repr(number))
