"""Routes that no API key opens, asked by those who may: they answer as documented."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from tests.api.test_schemathesis import CHECKS, OPERATIONS

#: The routes, and who asks.
CALLERS = {
    "/v1/bulk-files": "customer",
    "/v1/business-users": "operations",
    "/v1/clearing": "operations",
    "/v1/corporate/": "customer",
    "/v1/corporate-desk": "operations",
}
CASES = [
    pytest.param(label, mode, caller, id=f"{label} {mode.value}")
    for prefix, caller in CALLERS.items()
    for label, operation in OPERATIONS.items()
    if operation.path.startswith(prefix)
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE
    or (operation.body or operation.definition.raw.get("parameters"))
]


def test_there_are_such_routes() -> None:
    assert len(CASES) > 20


_signed_in: dict[str, dict[str, str]] = {}


@pytest.fixture
async def callers(staff: Any, customer_headers: Any) -> dict[str, dict[str, str]]:
    # Once: a member of staff has so many second factors.
    if not _signed_in:
        _signed_in["customer"] = await customer_headers()
        _signed_in["operations"] = await staff.headers("operations")
    return _signed_in


@pytest.mark.parametrize(("label", "mode", "caller"), CASES)
def test_answers_as_documented(
    api: Any, callers: dict[str, dict[str, str]], label: str, mode: GenerationMode, caller: str
) -> None:
    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def answer_as_documented(case: Case) -> None:
        case.call_and_validate(base_url=api.url, headers=callers[caller], checks=CHECKS)

    answer_as_documented()
