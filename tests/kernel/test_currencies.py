import pytest

from huitong.kernel.currencies import CURRENCIES, Currency, UnknownCurrency, get_currency


@pytest.mark.parametrize(
    "currency",
    [
        Currency("CNY", "156", 2, "Renminbi Yuan", "人民币"),
        Currency("JPY", "392", 0, "Japanese Yen", "日元"),
        Currency("BHD", "048", 3, "Bahraini Dinar", "巴林第纳尔"),
        Currency("CLF", "990", 4, "Chilean Unit of Account (UF)", "智利资金单位"),
        Currency("XCG", "532", 2, "Caribbean Guilder", "加勒比盾"),
    ],
)
def test_knows_the_facts_of_a_currency(currency: Currency) -> None:
    assert get_currency(currency.code) == currency


def test_knows_all_active_currencies_with_a_minor_unit() -> None:
    # List One has 178 codes, 13 of which have no minor unit.
    assert len(CURRENCIES) == 165


def test_every_line_of_the_table_is_well_formed() -> None:
    for code, currency in CURRENCIES.items():
        assert code == currency.code
        assert len(code) == 3
        assert code.isascii()
        assert code.isupper()
        assert len(currency.numeric) == 3
        assert currency.numeric.isdigit()
        assert currency.name_en
        assert currency.name_zh
    assert len({currency.numeric for currency in CURRENCIES.values()}) == len(CURRENCIES)


def test_only_these_currencies_have_other_than_two_decimals() -> None:
    by_exponent: dict[int, set[str]] = {}
    for code, currency in CURRENCIES.items():
        by_exponent.setdefault(currency.exponent, set()).add(code)

    assert by_exponent.keys() == {0, 2, 3, 4}
    assert " ".join(sorted(by_exponent[0])) == (
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
    )
    assert " ".join(sorted(by_exponent[3])) == "BHD IQD JOD KWD LYD OMR TND"
    assert by_exponent[4] == {"CLF", "UYW"}


@pytest.mark.parametrize("code", ["HRK", "BGN", "ANG", "ZWL", "XAU", "XTS", "XXX", "RMB", "cny"])
def test_refuses_a_code_that_is_not_active_money(code: str) -> None:
    with pytest.raises(UnknownCurrency) as caught:
        get_currency(code, field="order.currency")

    assert caught.value.code == "unknown_currency"
    assert caught.value.field == "order.currency"


def test_shows_no_more_of_a_wrong_code_than_could_be_one() -> None:
    with pytest.raises(UnknownCurrency) as caught:
        get_currency("X" * 100_000)

    assert len(caught.value.detail) < 200
