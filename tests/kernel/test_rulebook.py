from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.money import Money
from huitong.kernel.rulebook import (
    Confidence,
    Enforcement,
    NoRuleInForce,
    Rulebook,
    RulebookInvalidError,
    Source,
    UnknownRuleError,
)
from huitong.kernel.rulebook.loader import load_rules
from huitong.kernel.rulebook.types import Scope

TODAY = date(2026, 11, 23)
CHINA = Rulebook.load()
JURISDICTIONS = ["CN", "EU", "US", "INTL"]

HEADER = """
jurisdiction: CN
topic: sample
sources:
  law: {title: Law, number: No. 1, issuer: Somebody, effective_from: 2020-01-01}
rules:
"""
GOOD = (
    "{key: a.b, value: 10, unit: CNY, scope: account, source: law, "
    "confidence: S, enforcement: block}"
)


def write_pack(root: Path, *lines: str, name: str = "sample.yaml", header: str = HEADER) -> Path:
    (root / "cn").mkdir(exist_ok=True)
    text = header + "".join(f"  - {line}\n" for line in lines)
    (root / "cn" / name).write_text(text, encoding="utf-8")
    return root


def problems_of(root: Path) -> tuple[str, ...]:
    with pytest.raises(RulebookInvalidError) as caught:
        load_rules("CN", root)
    return caught.value.problems


@pytest.mark.parametrize(
    ("key", "amount"),
    [
        ("qr.static.day", Money(500_00, "CNY")),
        ("qr.level_b.day", Money(5_000_00, "CNY")),
        ("qr.level_c.day", Money(1_000_00, "CNY")),
        ("payacct.class1.cumulative", Money(1_000_00, "CNY")),
        ("payacct.class2.year", Money(100_000_00, "CNY")),
        ("payacct.class3.year", Money(200_000_00, "CNY")),
        ("payacct.auth.two_factor.day", Money(5_000_00, "CNY")),
        ("payacct.auth.one_factor.day", Money(1_000_00, "CNY")),
        ("bank.class2.out.day", Money(10_000_00, "CNY")),
        ("bank.class3.balance.max", Money(2_000_00, "CNY")),
        ("ecny.class2.day", Money(100_000_00, "CNY")),
        ("aml.ctr.cash", Money(50_000_00, "CNY")),
        ("fx.purchase.year", Money(50_000_00, "USD")),
        ("bill.split.unit", Money(1, "CNY")),
        ("fund.mmf.fast_redeem.day", Money(10_000_00, "CNY")),
    ],
)
def test_knows_the_amounts_of_the_reference(key: str, amount: Money) -> None:
    assert CHINA.amount(key, TODAY) == amount


def test_knows_the_other_values_of_the_reference() -> None:
    assert CHINA.integer("aml.retention.years", TODAY) == 10
    assert CHINA.integer("bill.tenor.max_months", TODAY) == 6
    assert CHINA.integer("collection.calls.day", TODAY) == 3
    assert CHINA.decimal("loan.colend.partner.min", TODAY) == Decimal("0.30")
    assert CHINA.decimal("fund.redeem.fee.lt7d", TODAY) == Decimal("0.015")
    assert CHINA.text("collection.quiet.starts", TODAY) == "22:00"
    assert CHINA.rule("ecny.interest.enabled_classes", TODAY).value == ("1", "2", "3", "corp")
    assert CHINA.flag("loan.disclosure.popup", TODAY) is True


def test_a_rule_says_where_it_comes_from() -> None:
    rule = CHINA.rule("aml.retention.years", TODAY)

    assert rule.source == Source("反洗钱法", "2024-11-08 revision", "全国人大常委会", "Art. 34")
    assert rule.effective_from == date(2025, 1, 1)
    assert rule.confidence is Confidence.STATUTE
    assert rule.enforcement is Enforcement.BLOCK


def test_chooses_by_the_business_day_and_never_the_latest() -> None:
    before, after = date(2024, 11, 30), date(2024, 12, 1)

    assert CHINA.integer("fraud.account_seller.years", before) == 5
    assert CHINA.integer("fraud.account_seller.years", after) == 2
    assert [rule.value for rule in CHINA.history("fraud.account_seller.years")] == [5, 2]


def test_names_the_next_day_with_a_value() -> None:
    with pytest.raises(NoRuleInForce) as caught:
        CHINA.rule("loan.disclosure.popup", date(2026, 7, 31))

    assert caught.value.detail == (
        "loan.disclosure.popup has no value on 2026-07-31: the next value starts on 2026-08-01"
    )
    assert caught.value.context["starts_on"] == "2026-08-01"
    assert CHINA.flag("loan.disclosure.popup", date(2026, 8, 1)) is True


def test_names_the_day_on_which_a_value_ended() -> None:
    assert CHINA.amount("loan.subsidy.year", date(2026, 12, 31)) == Money(3_000_00, "CNY")
    with pytest.raises(NoRuleInForce, match="until before 2027-01-01"):
        CHINA.rule("loan.subsidy.year", date(2027, 1, 1))


def test_an_unknown_key_names_similar_ones() -> None:
    with pytest.raises(UnknownRuleError, match=r"no key 'qr.statc.day'; similar keys: qr.static"):
        CHINA.rule("qr.statc.day", TODAY)
    with pytest.raises(UnknownRuleError):
        CHINA.history("nothing.like.it")
    with pytest.raises(UnknownRuleError, match="scope wallet"):
        CHINA.rule("qr.static.day", TODAY, scope=Scope.WALLET)


def test_refuses_to_answer_in_another_type() -> None:
    for ask in (CHINA.amount, CHINA.decimal, CHINA.flag, CHINA.text):
        with pytest.raises(TypeError, match="its unit is years"):
            ask("aml.retention.years", TODAY)
    with pytest.raises(TypeError, match="its unit is CNY"):
        CHINA.integer("qr.static.day", TODAY)
    with pytest.raises(TypeError, match="its unit is flag"):
        CHINA.integer("loan.disclosure.popup", TODAY)


def test_refuses_an_instant_in_place_of_a_day() -> None:
    with pytest.raises(TypeError, match="business day"):
        CHINA.rule("qr.static.day", datetime(2026, 11, 23, tzinfo=UTC))


@pytest.mark.parametrize("jurisdiction", JURISDICTIONS)
def test_nothing_unconfirmed_blocks(jurisdiction: str) -> None:
    book = Rulebook.load(jurisdiction)
    rules = [rule for key in book.keys for rule in book.history(key)]

    assert rules
    assert [
        rule.key
        for rule in rules
        if rule.confidence is Confidence.UNCONFIRMED and rule.enforcement is Enforcement.BLOCK
    ] == []
    assert {rule.jurisdiction for rule in rules} == {jurisdiction}


@pytest.mark.parametrize("jurisdiction", ["XX", "cn", "", "../cn"])
def test_refuses_a_jurisdiction_without_a_pack(jurisdiction: str) -> None:
    with pytest.raises(LookupError, match="CN, EU, INTL, US"):
        Rulebook.load(jurisdiction)


def test_the_packs_lie_inside_the_package() -> None:
    packs = files("huitong.kernel.rulebook") / "packs"

    assert {entry.name for entry in packs.iterdir()} == {"cn", "eu", "intl", "us"}
    assert len(CHINA.keys) == 686


@given(st.dates(date(2000, 1, 1), date(2035, 1, 1)))
def test_lists_exactly_what_a_question_answers(on: date) -> None:
    listed = {rule.key: rule for rule in CHINA.list_rules(on)}

    for key in CHINA.keys:
        if key in listed:
            assert CHINA.rule(key, on) is listed[key]
        else:
            with pytest.raises(NoRuleInForce):
                CHINA.rule(key, on)


@given(st.lists(st.integers(1, 2_000), min_size=1, max_size=6), st.integers(0, 12_000))
def test_a_day_belongs_to_one_period_only(lengths: list[int], offset: int) -> None:
    sample = CHINA.rule("qr.static.day", TODAY)
    starts = [date(2020, 1, 1)]
    for length in lengths:
        starts.append(starts[-1] + timedelta(days=length))
    rules = [
        type(sample)(
            "a.b", number, "count", Scope.ACCOUNT, "CN", sample.source, start, end,
            Confidence.KNOWN, Enforcement.INFO,
        )
        for number, (start, end) in enumerate(pairwise(starts))
    ]  # fmt: skip
    book = Rulebook("CN", reversed(rules))
    on = starts[0] + timedelta(days=offset)

    expected = [rule for rule in rules if rule.is_in_force(on)]

    assert len(expected) == (1 if on < starts[-1] else 0)
    if expected:
        assert book.rule("a.b", on) is expected[0]


def test_reads_a_good_pack(tmp_path: Path) -> None:
    (rule,) = load_rules("CN", write_pack(tmp_path, GOOD))

    assert (rule.key, rule.value, rule.unit) == ("a.b", Decimal("10.00"), "CNY")
    assert (rule.effective_from, rule.effective_to) == (date(2020, 1, 1), None)


def test_asks_for_the_scope_when_several_answer(tmp_path: Path) -> None:
    wallet = GOOD.replace("scope: account", "scope: wallet").replace("10,", "20,")
    book = Rulebook("CN", load_rules("CN", write_pack(tmp_path, GOOD, wallet)))

    assert book.amount("a.b", TODAY, scope=Scope.WALLET) == Money(20_00, "CNY")
    with pytest.raises(ValueError, match="name one of account, wallet"):
        book.amount("a.b", TODAY)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("value: 10", "value: 10.5", "binary float: write decimals in quotes"),
        ("value: 10", 'value: "10.555"', "3 decimals, but CNY has 2"),
        ("value: 10", 'value: "1e3"', "plain digits"),
        ("value: 10", "value: -10", "must not be negative"),
        ("value: 10", "value: true", "not a bool"),
        ("unit: CNY", "unit: RMB", "unit 'RMB' is not known"),
        ("value: 10, unit: CNY", "value: yes, unit: count", "does not fit the unit count"),
        ("value: 10, unit: CNY", 'value: "1.5", unit: days', "does not fit the unit days"),
        ("value: 10, unit: CNY", "value: 22:00, unit: time", "does not fit the unit time"),
        ("value: 10, unit: CNY", 'value: "25:00", unit: time', "does not fit the unit time"),
        ("value: 10, unit: CNY", 'value: "[", unit: pattern', "does not fit the unit pattern"),
        ("value: 10, unit: CNY", "value: [], unit: texts", "does not fit the unit texts"),
        ("value: 10, unit: CNY", 'value: "x", unit: flag', "does not fit the unit flag"),
        ("key: a.b", "key: A.b", "lower-case words"),
        ("key: a.b", "key: a", "lower-case words"),
        ("scope: account", "scope: everybody", "scope 'everybody' is not one of"),
        ("confidence: S", "confidence: X", "confidence 'X' is not one of"),
        ("confidence: S", "confidence: K?", "K? must not block"),
        ("enforcement: block", "enforcement: stop", "enforcement 'stop' is not one of"),
        ("source: law", "source: rumour", "source 'rumour' is not in the file"),
        ("source: law", "source: law, effective_to: 2019-01-01", "after effective_from"),
        ("source: law", "source: law, effective_from: soon", "effective_from must be a day"),
        ("source: law", "source: law, effective_form: 2021-01-01", "unknown members"),
        ("scope: account, ", "", "lacks scope"),
        ("value: 10", "value: 10, value: 11", "'value' is there twice"),
    ],
)
def test_refuses_a_rule_with_a_mistake(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GOOD

    problems = problems_of(write_pack(tmp_path, GOOD.replace(old, new)))

    assert any(problem in each and each.startswith("sample.yaml: ") for each in problems), problems


def test_reports_all_mistakes_at_once_with_file_and_key(tmp_path: Path) -> None:
    write_pack(tmp_path, GOOD.replace("confidence: S", "confidence: K?"), name="sample.yaml")
    write_pack(
        tmp_path,
        GOOD.replace("a.b", "c.d").replace("10", "1.5"),
        GOOD.replace("a.b", "e.f").replace("CNY", "RMB"),
        name="other.yaml",
        header=HEADER.replace("topic: sample", "topic: other"),
    )

    assert problems_of(tmp_path) == (
        "other.yaml: rule 1 (c.d): value is a binary float: write decimals in quotes",
        "other.yaml: rule 2 (e.f): unit 'RMB' is not known",
        "sample.yaml: rule 1 (a.b): a value with confidence K? must not block",
    )


def test_refuses_overlapping_periods_across_files(tmp_path: Path) -> None:
    write_pack(tmp_path, GOOD)
    write_pack(
        tmp_path,
        GOOD.replace("source: law", "source: law, effective_from: 2024-01-01"),
        name="other.yaml",
        header=HEADER.replace("topic: sample", "topic: other"),
    )

    (problem,) = problems_of(tmp_path)
    assert problem == (
        "other.yaml and sample.yaml: a.b (account): the periods from 2020-01-01 and from "
        "2024-01-01 overlap"
    )


def test_accepts_periods_that_only_touch(tmp_path: Path) -> None:
    first = GOOD.replace("source: law", "source: law, effective_to: 2024-01-01")
    second = GOOD.replace("source: law", "source: law, effective_from: 2024-01-01")

    assert len(load_rules("CN", write_pack(tmp_path, first, second))) == 2


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (HEADER.replace("jurisdiction: CN", "jurisdiction: EU"), "is for 'EU'"),
        (HEADER.replace("topic: sample", "topic: other"), "the name of the file"),
        (HEADER.replace("topic: sample", "theme: sample"), "must have exactly"),
        (HEADER.replace("title: Law, ", ""), "lacks title"),
        (HEADER.replace("issuer: Somebody", "issuer: ''"), "issuer must be a text"),
        (HEADER.replace("2020-01-01}", "2020}"), "effective_from must be a day"),
        (HEADER.replace("rules:", "  spare: 5\nrules:"), "source spare: must be a mapping"),
        ("a: [", "not readable as YAML"),
    ],
)
def test_refuses_a_file_with_a_mistake(tmp_path: Path, header: str, problem: str) -> None:
    problems = problems_of(write_pack(tmp_path, GOOD, header=header))

    assert any(problem in each for each in problems), problems


def test_refuses_a_source_that_no_rule_uses(tmp_path: Path) -> None:
    spare = "  spare: {title: T, number: null, issuer: I, effective_from: 2020-01-01}\nrules:"

    assert problems_of(write_pack(tmp_path, GOOD, header=HEADER.replace("rules:", spare))) == (
        "sample.yaml: source spare: no rule uses it",
    )


def test_refuses_an_empty_pack(tmp_path: Path) -> None:
    (tmp_path / "cn").mkdir()

    assert problems_of(tmp_path) == ("cn: the pack has no rules",)
