"""Why somebody cannot be opened an account."""

from huitong.kernel.errors import Conflict


class MobileTaken(Conflict):
    """One mobile number leads to one customer: payments are sent to it."""

    code = "mobile_taken"
    title = "Another customer has this mobile number"


class CustomerExists(Conflict):
    """The identifier belongs to a customer who was opened with other facts."""

    code = "customer_exists"
    title = "There is another customer with this identifier"


class MerchantExists(Conflict):
    """The identifier belongs to a merchant who was opened with other facts."""

    code = "merchant_exists"
    title = "There is another merchant with this identifier"
