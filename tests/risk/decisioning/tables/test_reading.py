"""A table is read strictly: what does not answer clearly cannot be saved."""

from typing import Any

import pytest
from tests.risk.decisioning.tables.conftest import DAY, ELIGIBILITY, PRICE, price_document

from huitong import risk
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook

ROWS = price_document()["rows"]


def with_row(place: int, **change: Any) -> dict[str, Any]:
    rows = [dict(each) for each in ROWS]
    rows[place] = {**rows[place], **change}
    return price_document(rows=rows)


@pytest.mark.parametrize("name", ["loan_eligibility", "loan_price"])
def test_the_default_tables_compile_are_whole_and_pass_their_own_tests(name: str) -> None:
    schema = risk.get_schema(name)
    table = risk.read_table(risk.default_table(name, Rulebook.load(), DAY), schema)
    assert table.is_reach_checked
    assert table.tests
    assert table.run_tests() == ()


def test_default_thresholds_are_those_of_the_rulebook() -> None:
    rows = {
        each["key"]: each["when"]
        for each in risk.default_table("loan_eligibility", Rulebook.load(), DAY)["rows"]
    }
    # 200,000 yuan of unsecured credit, 5 years, adults.
    assert rows["above_limit"] == {"exposure": "> 20000000"}
    assert rows["term_too_long"] == {"term_months": "> 60"}
    assert rows["too_young"] == {"age": "< 18"}
    assert '"shares"' in rows["forbidden_use"]["use"]


@pytest.mark.parametrize(
    ("document", "field", "why"),
    [
        (None, "table", "exactly"),
        (price_document(hit_policy="any"), "hit_policy", "among"),
        (price_document(rows=[]), "rows", "list of 1"),
        (price_document(tests=[]), "tests", "list of 1"),
        (with_row(0, key="A"), "rows[0].key", "a-z"),
        (with_row(1, key="a_short"), "rows[1].key", "twice"),
        (with_row(2, when={"grde": '"A"'}), "rows[2].when.grde", "no input"),
        (with_row(2, when={"grade": '"E"'}), "rows[2].when.grade", "among A, B, C, D"),
        (with_row(2, when={"grade": "> 5"}), "rows[2].when.grade", "column 1"),
        (with_row(2, when={"term_months": 12}), "rows[2].when.term_months", "text"),
        (with_row(2, then={"rate": 0.05}), "rows[2].then.rate", "written as text"),
        (with_row(2, then={"rate": "1.01"}), "rows[2].then.rate", "at most 1"),
        (with_row(2, then={"rate": "0.12345678901234567890"}), "rows[2].then.rate", "digits"),
        (with_row(2, then={}), "rows[2].then.rate", "missing"),
        (with_row(2, then={"rate": "0.1", "fee": 1}), "rows[2].then.fee", "unknown"),
        (with_row(0, when={"grade": '"A"'}), "rows[1]", "overlaps with row a_short"),
        (with_row(0, when={"grade": '"A"', "term_months": "< 1"}), "rows[0]", "nothing can match"),
        (with_row(6, when={"grade": '"D"', "amount": "> 5"}), "rows", "no row is for grade"),
        (price_document(hit_policy="first", rows=[{**ROWS[0], "when": {}}, ROWS[1]]), "rows[1]",
         "never reached"),
        (price_document(tests=[{"name": "x", "inputs": {}, "expect": {}}]), "tests[0].inputs",
         "exactly"),
        (price_document(hit_policy="collect"), "tests[0].expect", "list"),
    ],
)  # fmt: skip
def test_a_table_that_is_not_clear_is_refused_with_its_place(
    document: Any, field: str, why: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        risk.read_table(document, PRICE)
    assert refused.value.field == field
    assert why in refused.value.detail


def test_a_gap_is_shown_by_an_example() -> None:
    with pytest.raises(InvalidField) as refused:
        risk.read_table(with_row(6, when={"grade": '"D"', "amount": "> 5"}), PRICE)
    assert refused.value.detail == 'no row is for grade = "D", term_months = 1, amount = 1'


def test_a_table_that_is_too_large_to_check_says_so_and_still_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "TABLE_BOXES_MAX", 100)
    rows = [
        {
            "key": f"r{at}",
            "when": {"age": f"{at + 20}", "amount": f"{at + 1}", "exposure": f"{at}",
                     "term_months": f"{at + 1}", "overdue_days": f"{at}",
                     "debt_to_income": f"0.{at + 1:02}", "overdue_days_24m": f"{at}"},
            "then": {"outcome": "review", "reason_zh": "一", "reason_en": "one"},
        }
        for at in range(limits.TABLE_ROWS_MAX - 1)
    ]  # fmt: skip
    rest = {"outcome": "refused", "reason_zh": "二", "reason_en": "two"}
    rows.append({"key": "rest", "when": {}, "then": rest})
    inputs = {"age": 20, "amount": 1, "term_months": 1, "use": "x", "exposure": 0,
              "debt_to_income": "0.01", "overdue_days": 0, "overdue_days_24m": 0}  # fmt: skip
    test = {"name": "first", "inputs": inputs, "expect": rows[0]["then"]}

    table = risk.read_table({"hit_policy": "first", "rows": rows, "tests": [test]}, ELIGIBILITY)

    assert not table.is_reach_checked
    assert table.run_tests() == ()
    assert table.ask(table.read_inputs({**inputs, "age": 99})).keys == ("rest",)


def test_all_rows_that_hit_answer_if_the_policy_is_to_collect() -> None:
    case = {"grade": "A", "term_months": 6, "amount": 100}
    document = price_document(
        hit_policy="collect",
        rows=[
            {"key": "base", "when": {"grade": '"A"'}, "then": {"rate": "0.05"}},
            {"key": "short", "when": {"term_months": "<= 12"}, "then": {"rate": "0.01"}},
        ],
        tests=[
            {"name": "both", "inputs": case, "expect": [{"rate": "0.05"}, {"rate": "0.01"}]},
            {"name": "none", "inputs": {**case, "grade": "B", "term_months": 24}, "expect": []},
        ],
    )
    assert risk.read_table(document, PRICE).run_tests() == ()
