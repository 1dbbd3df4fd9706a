"""Published cases: which share ties, and that a wrong figure would be found."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from huitong.cli import app
from huitong.lending.tie_out import tie_out

CASES = Path(__file__).resolve().parents[3] / "shared" / "data" / "7-loans"
#: By what is in the file's name: how many checks must tie at least, and how many may not.
LEAST = {
    "apr_reference": (9, 0),
    "initial_schedules": (55, 0),
    "progressive_emi": (73, 15),
    "schedule_cases": (442, 9),
    "xirr": (45, 1),
}


@pytest.fixture(scope="module")
def found() -> list[Any]:
    if not CASES.is_dir():
        pytest.skip(f"{CASES} is not there: the published cases lie beside the checkout only")
    return tie_out(CASES)


@pytest.mark.parametrize("name", LEAST)
def test_ties_with_published_cases(found: list[Any], name: str) -> None:
    (each,) = [one for one in found if name in one.file]
    tied, others = LEAST[name]
    shown = each.to_json()
    assert each.tied >= tied, shown["differing"]
    assert shown["checks"] - each.tied <= others
    assert sum(shown["reasons"].values()) == shown["checks"] - each.tied


CREATED = (
    'Admin successfully creates a new customised Loan submitted on date: "01 January 2023", '
    'with Principal: "750", a loanTermFrequency: 1 months, and numberOfRepayments: 1'
)


def scenario(outstanding: str = "500.0") -> dict[str, Any]:
    row = {
        "Nr": "1", "Days": "31", "Date": "01 February 2023", "Paid date": "",
        "Balance of loan": "0.0", "Principal due": "750.0", "Interest": "0.0", "Fees": "0.0",
        "Penalties": "0.0", "Due": "750.0", "Paid": "250.0", "In advance": "250.0", "Late": "0.0",
        "Outstanding": outstanding,
    }  # fmt: skip
    texts = [
        'Admin sets the business date to "01 January 2023"',
        CREATED,
        'Admin successfully disburse the loan on "01 January 2023" with "750" EUR',
        'Customer makes "AUTOPAY" repayment on "10 January 2023" with 250 EUR transaction amount',
    ]
    steps: list[dict[str, Any]] = [{"kw": "When", "text": text} for text in texts]
    table = {"kw": "Then", "text": "Loan Repayment schedule has 1 periods", "table": [row]}
    return {"id": "Loan-1", "steps": [*steps, table]}


def write(folder: Path, cases: list[Any], name: str = "schedule_cases.json") -> Path:
    (folder / name).write_text(json.dumps(cases))
    return folder


def test_a_right_scenario_ties_and_one_wrong_cent_is_found(tmp_path: Path) -> None:
    cases = [scenario(), scenario("500.01")]
    (each,) = tie_out(write(tmp_path, cases))
    assert [tie.difference for tie in each.ties] == [None, "rows 1 differ"]
    assert each.to_json()["share"] == 0.5


def test_what_is_not_covered_is_said_and_ends_the_comparison(tmp_path: Path) -> None:
    case = scenario()
    case["steps"].insert(4, {"kw": "When", "text": 'Admin adjusts the "LOAN"'})
    (each,) = tie_out(write(tmp_path, [case]))
    assert each.ties[0].difference == "not covered: Admin adjusts the …"


def test_the_command_prints_one_json_object(tmp_path: Path) -> None:
    write(tmp_path, [scenario()])
    shown = CliRunner().invoke(app, ["lending", "tie-out", str(tmp_path), "--json"])
    assert shown.exit_code == 0
    (each,) = json.loads(shown.output)["files"]
    assert (each["checks"], each["tied"], each["differing"]) == (1, 1, [])


def test_the_command_shows_shares_and_reasons(tmp_path: Path) -> None:
    write(tmp_path, [scenario("1.0")])
    shown = CliRunner().invoke(app, ["lending", "tie-out", str(tmp_path)])
    assert "0.0%" in shown.output
    assert "1 × figures differ" in shown.output


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("other.json", b"[]", "no published cases"),
        ("xirr.json", b"{", "cannot be read"),
        ("xirr.json", b"{}", "must hold a list"),
        ("xirr.json.gz", b"no gzip", "cannot be read"),
        ("xirr.json.gz", gzip.compress(b"\xff", mtime=0), "cannot be read"),
    ],
)
def test_files_that_are_none_are_refused(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    shown = CliRunner().invoke(app, ["lending", "tie-out", str(tmp_path)])
    assert shown.exit_code == 2
    assert words in " ".join(shown.output.replace("│", "").split())
