"""What the language takes, and what it says of what it does not take."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.rules.language.checking import check_predicate
from huitong.risk.decisioning.types import FeatureType

CATALOGUE = {
    "amount": FeatureType.INTEGER,
    "payments_1h": FeatureType.NUMBER,
    "is_new_payee": FeatureType.FLAG,
    "kind": FeatureType.TEXT,
}
WORDS = [
    *CATALOGUE,
    *["and", "or", "not", "(", ")", "=", "<", ">", "+", "-", "*", "/", "%", ",", "1", "1.5", "'a'"],
    *["case", "when", "then", "else", "end", "in", "between", "like", "is", "null", "true", "::"],
    *["coalesce", "abs", "cast", "as", "bigint", "select", "from", ";", "--", "/*", "[", "]", "$1"],
    *["{", "}", "'", '"', "interval", "date", "exists", "over", ".", "\n", "汉", "lambda", "=>"],
]


@pytest.mark.parametrize(
    "predicate",
    [
        "payments_1h > 5 and is_new_payee",
        "amount between 1 and 100 or kind in ('transfer', 'refund')",
        "amount / nullif(payments_1h, 0) >= 1e3 and kind not like 'test%'",
        "case when is_new_payee then amount * 2 else amount end > 100 * 100",
        "coalesce(payments_1h, 0) < 1 and payments_1h is not null",
        "is_new_payee = false and not (kind <> 'transfer')",
        "cast(kind as bigint) % 2 = -1 and abs(-amount) > least(1, 2)",
        "amount > -9223372036854775808 -- all of them",
        " and ".join(["amount > 1"] * 60),
    ],
)
def test_predicates_of_the_language_are_taken(predicate: str) -> None:
    assert check_predicate(predicate, CATALOGUE).type is FeatureType.FLAG


@pytest.mark.parametrize(
    ("predicate", "line", "column", "words"),
    [
        ("payment_1h > 5", 1, 1, "did you mean payments_1h?"),
        ("amount > 5 and\n  is_new_paye", 2, 3, "did you mean is_new_payee?"),
        ("coalesc(payments_1h, 0) > 1", 1, 1, "did you mean coalesce?"),
        ("amount > 'x'", 1, 1, "mixes an integer with a text"),
        ("is_new_payee > is_new_payee", 1, 1, "puts flags in an order"),
        ("amount + kind > 1", 1, 10, "calculates with a text"),
        ("amount and is_new_payee", 1, 1, "needs true or false here"),
        ("amount + 1", 1, 1, "must be true or false, and is an integer"),
        ("1 < 2", 1, 1, "must look at a feature"),
        ("amount >", 1, 8, "is not SQL at '>'"),
        ("amount > 5 5", 1, 12, "is not SQL at '5'"),
        ("amount > 5; drop table risk.rules", 1, 1, "without semicolons"),
        ("kind = 'abc", 1, 12, "does not end"),
        ("kind = NULL", 1, 1, "write IS NULL"),
        ("amount in (select 1)", 1, 1, "In with query"),
        ("amount in (amount)", 1, 1, "IN only for literals"),
        ("upper(kind) = 'A'", 1, 1, "uses the function 'upper'"),
        ("other.amount > 1", 1, 1, "Column with table"),
        ("payments_1h > 1e999", 1, 15, "too large"),
        ("amount > 9223372036854775808", 1, 10, "beyond 64 bits"),
        ("amount % 1.5 = 1", 1, 1, "remainder of what is no integer"),
        ("kind like kind", 1, 1, "LIKE only for a text and a literal"),
        ("cast(amount as varchar) = 'a'", 1, 6, "converts only"),
        ("case amount when 1 then true end", 1, 6, "Case with this"),
        ("kind = 'a\x00b'", 1, 10, "control characters"),
        ("kind = 'a\ud800b'", 1, 10, "control characters"),
        ("", 1, 1, "must not be empty"),
        ("amount > 1 as x", 1, 1, "Alias"),
    ],
)
def test_a_refusal_says_what_and_where(predicate: str, line: int, column: int, words: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_predicate(predicate, CATALOGUE)

    assert refused.value.field == "predicate"
    assert words in refused.value.detail
    assert (refused.value.context["line"], refused.value.context["column"]) == (line, column)


@pytest.mark.parametrize(
    "predicate",
    [
        "(" * 5_000 + "is_new_payee" + ")" * 5_000,
        "(" * 900 + "is_new_payee" + ")" * 900,
        "not " * 400 + "is_new_payee",
        "amount > " + "-" * 900 + "1",
        "amount > " + "- " * 900 + "1",
        "case when " * 150 + "is_new_payee",
        "amount" + " + amount" * 100 + " > 1",
        " or ".join(["amount > 1"] * limits.RULE_NODES_MAX),
        f"amount in ({', '.join(['1'] * (limits.RULE_VALUES_MAX + 1))})",
        "is_new_payee or " * 1_000 + "is_new_payee",
    ],
)
def test_what_is_too_long_or_too_deep_is_refused(predicate: str) -> None:
    with pytest.raises(InvalidField, match=r"nested|at most|SQL|look|values"):
        check_predicate(predicate, CATALOGUE)


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)))
def test_any_text_is_a_predicate_or_refused(text: str) -> None:
    # Anything else that is raised fails the test.
    with suppress(InvalidField):
        assert check_predicate(text, CATALOGUE).type is FeatureType.FLAG
