"""A user's own file of log-ins: read to the same history, or refused with what is wrong."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.risk.fraud.log_ins.features import compute_log_in_features
from huitong.risk.fraud.log_ins.generator import generate_log_ins
from huitong.risk.fraud.log_ins.reading import COLUMNS, read_log_ins
from huitong.risk.fraud.log_ins.types import Kind, LogIns

ROW: dict[str, Any] = {
    "Login Timestamp": "2020-02-03 12:43:30.772",
    "User ID": "-4324475583306591935",
    "IP Address": "10.0.65.171",
    "Country": "NO",
    "Region": "-",
    "City": "-",
    "ASN": "29695",
    "User Agent String": 'Mozilla/5.0 (iPhone; CPU iPhone OS 13_4 like Mac OS X) "v2", Gecko',
    "Browser Name and Version": "Firefox 20.0.0.1618",
    "OS Name and Version": "iOS 13.4",
    "Device Type": "mobile",
    "Login Successful": "False",
    "Is Attack IP": "False",
    "Is Account Takeover": "False",
}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        # The public file has a column that we don't need, in front of the others.
        writer = csv.DictWriter(file, ["index", *COLUMNS], restval=0, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def name_values(log_ins: LogIns) -> list[dict[str, Any]]:
    """Return the rows that the public data set would have for these attempts."""
    rows = []
    for number in range(len(log_ins)):
        one = {name: int(getattr(log_ins, name)[number]) for name in log_ins.__slots__}
        rows.append(
            {
                "Login Timestamp": datetime.fromtimestamp(one["at"] / 1e6, UTC)
                .replace(tzinfo=None)
                .isoformat(" "),
                "User ID": one["login"],
                "IP Address": f"a{one['address']}",
                "Country": f"C{one['country']}",
                "Region": "-",
                "City": f"city {one['city']}",
                "ASN": one["network"],
                "User Agent String": f"agent/{one['agent']}",
                "Browser Name and Version": f"Browser {one['browser']}",
                "OS Name and Version": f"OS {one['system']}",
                "Device Type": ("desktop", "mobile", "tablet")[one["device"]],
                "Login Successful": bool(one["is_successful"]),
                "Is Attack IP": one["kind"] == Kind.STUFFING,
                "Is Account Takeover": one["kind"] > 0 and bool(one["is_successful"]),
            }
        )
    return rows


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_history_that_was_written_down_is_read_as_it_was(tmp_path: Path, ending: str) -> None:
    whole = generate_log_ins(seed=5, customers=60, days=60)
    path = write(tmp_path / "log_ins.csv", name_values(whole))
    if ending == ".parquet":
        # Flags, numbers and timestamps with types of their own.
        copy = f"COPY (SELECT * FROM read_csv('{path}')) TO '{tmp_path}/log_ins.parquet'"
        duckdb.connect().execute(copy)
    read = read_log_ins(tmp_path / f"log_ins{ending}", threads=1)
    np.testing.assert_array_equal(read.at, whole.at)
    np.testing.assert_array_equal(read.is_successful, whole.is_successful)
    expected = np.where(whole.kind == Kind.STUFFING, int(Kind.ATTACK_ADDRESS), 0)
    is_takeover = (whole.kind > 0) & whole.is_successful
    np.testing.assert_array_equal(read.kind, np.where(is_takeover, int(Kind.TAKEOVER), expected))
    known, seen = compute_log_in_features(whole), compute_log_in_features(read)
    for name in known:
        if "family" not in name:
            np.testing.assert_allclose(seen[name], known[name], atol=1e-9, err_msg=name)


def test_versions_are_left_out_of_the_family_and_what_is_missing_is_a_value(tmp_path: Path) -> None:
    rows = [
        ROW,
        ROW | {"Browser Name and Version": "Firefox 21", "OS Name and Version": "iOS 14.0.1"},
        ROW | {"Browser Name and Version": "Chrome Mobile 81.0", "ASN": ""},
        ROW | {"Device Type": "", "ASN": ""},
    ]
    for number, row in enumerate(rows):
        rows[number] = row | {"Login Timestamp": f"2020-02-03 12:0{number}:00"}
    read = read_log_ins(write(tmp_path / "log_ins.csv", rows), threads=1)
    assert read.family[0] == read.family[1]
    assert len({*read.family[1:].tolist()}) == 3
    assert read.network[2] == read.network[3] != read.network[0]
    assert read.browser[0] != read.browser[1]


def test_whole_milliseconds_are_times_too(tmp_path: Path) -> None:
    rows = [ROW | {"Login Timestamp": "1580733810772"}]
    read = read_log_ins(write(tmp_path / "log_ins.csv", rows), threads=1)
    assert read.at.tolist() == [1_580_733_810_772_000]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"Login Timestamp": "yesterday"}, "1 rows have a Login Timestamp that is empty or cannot"),
        ({"Login Timestamp": "1580733810"}, "1 rows have a Login Timestamp outside 2000 to 2100"),
        ({"User ID": ""}, "1 rows have a User ID that is empty or cannot be read"),
        ({"IP Address": ""}, "1 rows have a IP Address that is empty or cannot be read"),
        ({"Login Successful": "perhaps"}, "1 rows have a Login Successful that is empty or cannot"),
        ({"Is Attack IP": ""}, "1 rows have a Is Attack IP that is empty or cannot be read"),
        ({"Is Account Takeover": "7x"}, "1 rows have a Is Account Takeover that is empty or"),
    ],
)
def test_a_value_that_will_not_do_is_told_by_its_column(
    tmp_path: Path, changed: dict[str, str], told: str
) -> None:
    path = write(tmp_path / "log_ins.csv", [ROW, ROW | changed])
    with pytest.raises(InvalidField) as refused:
        read_log_ins(path, threads=1)
    assert refused.value.field == "--log-in-data"
    assert refused.value.detail.startswith(told)


def test_a_missing_column_an_empty_file_and_no_file_are_told(tmp_path: Path) -> None:
    path = tmp_path / "log_ins.csv"
    path.write_text("User ID,ASN\n1,2\n", encoding="utf-8")
    with pytest.raises(InvalidField, match="lacks the columns Login Timestamp, IP Address"):
        read_log_ins(path, threads=1)
    with pytest.raises(InvalidField, match="there are no log-ins"):
        read_log_ins(write(path, []), threads=1)
    with pytest.raises(InvalidField, match="is not a file"):
        read_log_ins(tmp_path, threads=1)


def test_a_file_that_is_no_table_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log_ins.parquet"
    path.write_bytes(b"not a table at all")
    with pytest.raises(InvalidField, match="cannot be read"):
        read_log_ins(path, threads=1)


def test_more_log_ins_than_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOG_INS_EVALUATED_MAX", 2)
    path = write(tmp_path / "log_ins.csv", [ROW] * 3)
    with pytest.raises(InvalidField, match="3 log-ins are more than 2; take the latest weeks"):
        read_log_ins(path, threads=1)
