"""Why somebody cannot be opened an account."""

from huitong.kernel.errors import Conflict, Refusal


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


class ApplicationExists(Conflict):
    """The identifier belongs to an application that was started with other facts."""

    code = "application_exists"
    title = "There is another application with this identifier"


class ApplicationNotDraft(Conflict):
    """What was handed in is evidence, and evidence does not change."""

    code = "application_not_draft"
    title = "The application was handed in already"


class ApplicationNotPending(Conflict):
    """Staff decide only what waits for them."""

    code = "application_not_pending"
    title = "The application does not wait for a decision"


class ApplicationIncomplete(Refusal):
    """Part of the evidence is missing; `context.missing` names it."""

    code = "application_incomplete"
    title = "Part of the evidence is missing"


class EvidenceTooWeak(Refusal):
    """Nobody outside confirmed the person: there is no class of account for that."""

    code = "evidence_too_weak"
    title = "The evidence supports no class of account"


class CustomerIsClosed(Conflict):
    """The relationship has ended; the person applies again."""

    code = "customer_is_closed"
    title = "The customer is closed"


class NotVerified(Conflict):
    """The customer was opened without evidence, or the relationship has ended."""

    code = "identity_not_verified"
    title = "The customer has no verified identity"


class DocumentExpired(Refusal):
    """An identity document that has expired proves nothing."""

    code = "document_expired"
    title = "The identity document has expired"


class BusinessExists(Conflict):
    """One credit code is one business, which has one merchant."""

    code = "business_exists"
    title = "Another merchant has this credit code"


class BusinessRefused(Refusal):
    """The evidence of a business is wrong or does not suffice; `context.findings` says what."""

    code = "business_refused"
    title = "The evidence of the business does not suffice"


class GuardianUnfit(Conflict):
    """Somebody cannot be a guardian now; `context.because` says why."""

    code = "guardian_unfit"
    title = "This customer cannot be a guardian now"


class GuardianConsentMissing(Conflict):
    """A guardian must consent before a child's data are used (个人信息保护法 Art. 31)."""

    code = "guardian_consent_missing"
    title = "The guardian has not consented"


class NotAMinor(Conflict):
    """Only minors have guardians here."""

    code = "not_a_minor"
    title = "The customer is no minor"
