"""What is written is read back as it was, and is right by the official schemas."""

import io
from functools import cache
from pathlib import Path

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.payments.iso20022.messages import NEWEST, bodies

from huitong.payments.iso20022 import InvalidMessage, Message, read_message, write_message

STANDARDS = "8-standards"
# Schemas of pain.002 and pacs.009 are not in the collection.
WITH_SCHEMA = [name for name in NEWEST if name[:8] not in {"pain.002", "pacs.009"}]


@pytest.mark.parametrize("name", NEWEST)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_write_then_read_is_the_identity(name: str, data: st.DataObject) -> None:
    body = data.draw(bodies(name))
    assert read_message(io.BytesIO(write_message(body))) == Message(name, body)


@cache
def _load(file: Path) -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(str(file))


@pytest.mark.parametrize("name", WITH_SCHEMA)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_written_is_valid_by_the_official_schema(
    name: str, data: st.DataObject, shared_data: Path
) -> None:
    schema = _load(shared_data / STANDARDS / "xsd" / f"{name}.xsd")
    written = write_message(data.draw(bodies(name)))
    assert [str(each) for each in schema.iter_errors(written)] == []


REFUSED = {"camt052.v1.xml": "camt.052.001.01", "camt053.v3.xml": "camt.053.001.03"}


def test_samples_are_read_and_survive_writing_or_are_refused_by_their_version(
    shared_data: Path,
) -> None:
    samples = sorted((shared_data / STANDARDS / "iso20022-samples").glob("*.xml"))
    assert len(samples) > len(REFUSED)
    for sample in samples:
        data = io.BytesIO(sample.read_bytes())
        if sample.name in REFUSED:
            with pytest.raises(InvalidMessage, match=f"{REFUSED[sample.name]} is not"):
                read_message(data)
            continue
        body = read_message(data).body
        assert read_message(io.BytesIO(write_message(body))).body == body, sample.name
