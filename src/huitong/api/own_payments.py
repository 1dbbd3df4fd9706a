"""Customers who pay from their own account: what the hot path asks for them, and for nobody else.

A session takes the place of the API key. Who pays must be who is logged in, and above what one
factor may pay in a day a step-up must be named; it is used up with the payment itself.
"""

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from starlette.requests import Request

from huitong import identity, ledger, payments, risk
from huitong.api.logged_in import LoggedIn, find_logged_in, is_customers
from huitong.api.problems import NotAuthenticated
from huitong.api.schemas.step_up import PAY
from huitong.kernel.clock import business_day
from huitong.kernel.ids import CODE, STEP_UP, read_id, show_id
from huitong.wiring.application import Application

_PERMISSION: Final = "payments:write"


class OwnPayments:
    """Finds the customer of a payment, and binds the payment to them; one for each process."""

    def __init__(self, application: Application) -> None:
        """Take the application, whose desk and vault are there once it has started."""
        self._application = application

    async def find_session(self, request: Request, secret: str | None) -> identity.Session | None:
        """Return the session that a request comes with, or None if it is no customer's.

        Raises NotAuthenticated, AntiForgeryHeaderMissing, NotPermitted.
        """
        if not is_customers(request, secret):
            return None
        try:
            found: LoggedIn = await find_logged_in(request, self._application)
        except identity.SessionEnded as ended:
            raise NotAuthenticated(ended.detail, field="Authorization") from ended
        is_customer = found.session.audience is identity.Audience.CUSTOMER
        policy = identity.AccessPolicy.load()
        if not (is_customer and _PERMISSION in policy.customer_permissions):
            raise identity.NotPermitted(_PERMISSION)
        return found.session

    def bind(
        self,
        payment: payments.InstantPayment,
        session: identity.Session,
        step_up: str | None,
        *,
        address: IPv4Address | IPv6Address | None,
        now: datetime,
    ) -> None:
        """Make a payment the customer's own act; raises InvalidField and StepUpRequired.

        They are raised here and not stored, so that the same Idempotency-Key may come again.
        """
        step_up_id = None if step_up is None else read_id(STEP_UP, step_up, field="step_up")
        act = identity.Act(
            kind=PAY,
            amount=payment.amount,
            payer=ledger.show_account(payment.payer_account_id),
            payee=self._name_payee(payment),
        )
        rulebook, today = self._application.rulebook, business_day(now)
        if step_up_id is None and payments.needs_step_up(rulebook, payment.amount, today):
            raise identity.demand_two_elements(session, act, now)
        # A key's request comes from a partner's server, which says nothing of who pays.
        payment.address = None if address is None else risk.number_address(address)
        payment.proof = identity.PresentedProof(session=session, act=act, step_up_id=step_up_id)

    def _name_payee(self, payment: payments.InstantPayment) -> str:
        if payment.payee_account_id is not None:
            return ledger.show_account(payment.payee_account_id)
        if payment.code_id is not None:
            return show_id(CODE, payment.code_id)
        assert payment.payee_mobile is not None, "one of the three forms was given"
        return identity.name_mobile_payee(self._application.vault, payment.payee_mobile)
