"""Why the portfolio says no."""

from huitong.kernel.errors import NotFound


class PortfolioNotFound(NotFound):
    """No business day was closed until then."""

    code = "portfolio_not_found"
    title = "There are no figures of the portfolio"
