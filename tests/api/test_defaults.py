"""What is there before anybody put it there: nobody, and nothing that shows the inside."""

from typing import Any

import httpx
import pytest

from huitong.api.app import create_api
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.wiring.application import Application


async def test_a_new_platform_knows_nobody(api: Any) -> None:
    async def count(uow: UnitOfWork) -> dict[str, int]:
        tables = ("kernel.api_keys", "identity.staff", "identity.logins", "customers.customers")
        return {table: await uow.fetch_value(f"SELECT count(*) FROM {table}") for table in tables}

    assert set((await api.run(count)).values()) == {0}


@pytest.mark.parametrize("name", ["admin", "root", "sa", "huitong", "demo", "test"])
async def test_names_that_are_tried_first_open_nothing(
    anonymous: httpx.AsyncClient, name: str
) -> None:
    body = {"email": f"{name}@example.com", "password": name, "code": "000000"}
    assert (await anonymous.post("/v1/staff/sessions", json=body)).status_code in (401, 429)
    for secret in (name, f"htk_{name}", "htk_"):
        answer = await anonymous.get("/v1/customers", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 401


def test_nothing_is_made_for_debugging(settings_for: Any) -> None:
    settings = settings_for("postgresql://nobody@127.0.0.1:1/none")
    app = create_api(Application.assemble(settings))
    assert app.debug is False
    assert (app.docs_url, app.redoc_url) == (None, None)
    paths = {getattr(route, "path", "") for route in app.routes}
    assert not {path for path in paths if "debug" in path or "test" in path}
