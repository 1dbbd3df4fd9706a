"""Why a change of rules or lists is refused, and what can fail outside."""

from huitong.kernel.errors import Conflict, Fault, NotFound


class RuleVersionNotFound(NotFound):
    """There is no such version of rules."""

    code = "rule_version_not_found"
    title = "There is no such version of rules"


class RuleStateRefused(Conflict):
    """A version cannot go from where it is to where it should."""

    code = "rule_state_refused"
    title = "The version of rules is not in a state for this"


class BacktestMissing(Conflict):
    """A version without a back-test cannot go live."""

    code = "backtest_missing"
    title = "The version has no back-test"


class RulesAltered(Conflict):
    """The digest is not that of the version."""

    code = "rules_altered"
    title = "The rules are not those that were approved"


class ListEntryNotFound(NotFound):
    """Who should be taken off a list is not on it."""

    code = "list_entry_not_found"
    title = "This is not on the list"


class RulesNotLoaded(Fault):
    """This process has not been able to read the rules yet."""

    code = "rules_not_loaded"
    title = "The rules are not loaded"
