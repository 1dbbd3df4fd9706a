"""Which rooms keep people's data: who is asked when somebody sees, corrects or deletes theirs.

A room that begins to keep people's data adds its provider here, and what it can destroy below.
"""

from collections.abc import Sequence

from huitong import customers, identity, lending, payments, privacy, risk


def make_providers(vault: privacy.Vault) -> Sequence[privacy.SubjectData]:
    """Return every room's part in people's requests."""
    return (
        customers.CustomerData(vault),
        identity.IdentityData(vault),
        payments.PaymentsData(),
        lending.LendingData(),
    )


def make_retained(vault: privacy.Vault) -> Sequence[privacy.Retained]:
    """Return every class of data that is destroyed when its time is over."""
    return (
        privacy.AccessLogs(),
        privacy.ExportCopies(),
        identity.LogInRecords(),
        identity.EndedSessions(),
        customers.UnopenedApplications(vault),
        risk.CaseNotes(),
        risk.OldLinks(),
        privacy.RestrictedPeople(vault, make_providers(vault)),
    )
