"""What this process counts, for Prometheus."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from fastapi import APIRouter
from starlette.datastructures import Address
from starlette.requests import Request
from starlette.responses import Response

from huitong.api.authentication import PUBLIC, application_of
from huitong.api.problems import RouteNotFound
from huitong.kernel.metrics import CONTENT_TYPE, render_metrics

router: Final = APIRouter(tags=["Operations"], dependencies=[PUBLIC])


@router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Metrics of this process",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format.",
            "content": {"text/plain": {"example": "huitong_http_requests_in_progress 1.0\n"}},
        }
    },
)
async def get_metrics(request: Request) -> Response:
    """Return counters and histograms of this process. They hold no personal data.

    They tell how business goes, though: only networks that the operator named get them.
    """
    if not may_ask(request.client, application_of(request).settings.metrics_networks):
        raise RouteNotFound("There is no such route. GET /openapi.json lists them all.")
    return Response(render_metrics(), headers={"Content-Type": CONTENT_TYPE})


def may_ask(client: Address | None, networks: Sequence[str]) -> bool:
    """Say whether a connection comes from one of the networks; one without an address does."""
    if client is None:
        # A socket of the file system, which its mode keeps.
        return True
    try:
        address = ip_address(client.host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ip_network(network) for network in networks)
