"""Whatever the document allows or forbids, the server answers as documented, never with a 5xx."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from huitong.api.app import create_api
from huitong.kernel.settings import Settings
from huitong.wiring.application import Application

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
]


def load_document() -> dict[str, Any]:
    """Return the document of an application that is never started."""
    nowhere = Settings(home=Path("/nonexistent")).with_database(
        owner_url="postgresql://nobody@127.0.0.1:1/none"
    )
    return create_api(Application.assemble(nowhere)).openapi()


OPERATIONS = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(load_document()).get_all_operations()
}


# What takes no input cannot be given a wrong one.
CASES = [
    pytest.param(label, mode, id=f"{label} {mode.value}")
    for label, operation in OPERATIONS.items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE
    or (operation.body or operation.definition.raw.get("parameters"))
]


@pytest.mark.parametrize(("label", "mode"), CASES)
def test_answers_as_documented(api: Any, full_key: str, label: str, mode: GenerationMode) -> None:
    @settings(
        max_examples=5,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def answer_as_documented(case: Case) -> None:
        case.call_and_validate(
            base_url=api.url, headers={"Authorization": f"Bearer {full_key}"}, checks=CHECKS
        )

    answer_as_documented()
