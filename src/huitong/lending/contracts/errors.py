"""Why a contract's paper is not given, or not believed."""

from huitong.kernel.errors import InvalidField, NotFound


class ContractNotFound(NotFound):
    """Nothing was signed for this application."""

    code = "loan_contract_not_found"
    title = "There is no signed contract"


class ContractUnreadable(InvalidField):
    """A file is no contract of ours: it does not even claim to be one."""

    code = "loan_contract_unreadable"
    title = "This is not a loan contract of ours"


class ContractChanged(InvalidField):
    """A file claims to be a contract of ours, and is not what we made."""

    code = "loan_contract_changed"
    title = "The contract was changed, or is not ours"
