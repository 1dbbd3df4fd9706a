"""`/docs`: the API reference, drawn by Swagger UI from our own OpenAPI document.

The package `fastapi-swagger` carries Swagger UI's files in its wheel, so that nothing comes from
another host; only its files are used.
"""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong.api.authentication import PUBLIC
from huitong.api.static_files import answer_file, answer_page, load_text

_BUNDLE: Final = "fastapi_swagger"
_OURS: Final = "huitong.api"

router: Final = APIRouter(include_in_schema=False, dependencies=[PUBLIC])


@router.get("/docs")
async def show_reference() -> Response:
    """Show the API reference."""
    return answer_page(load_text("reference.html"), language="en")


@router.get("/docs/swagger-ui.css")
async def get_swagger_style(request: Request) -> Response:
    """Return Swagger UI's style."""
    return answer_file(request, _BUNDLE, "resources/swagger-ui.css")


@router.get("/docs/swagger-ui.js")
async def get_swagger_script(request: Request) -> Response:
    """Return Swagger UI."""
    return answer_file(request, _BUNDLE, "resources/swagger-ui-bundle.js")


@router.get("/docs/reference.js")
async def get_reference_script(request: Request) -> Response:
    """Return what starts Swagger UI on our document."""
    return answer_file(request, _OURS, "static/reference.js")


@router.get("/docs/reference.css")
async def get_reference_style(request: Request) -> Response:
    """Return our own additions to its style."""
    return answer_file(request, _OURS, "static/reference.css")
