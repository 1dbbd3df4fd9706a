"""Which rooms keep people's data: who is asked when somebody sees, corrects or deletes theirs.

A room that begins to keep people's data adds its provider here, and what it can destroy below.
"""

from collections.abc import Sequence

from huitong import customers, identity, lending, operations, payments, privacy, risk


def make_providers(vault: privacy.Vault) -> Sequence[privacy.SubjectData]:
    """Return every room's part in people's requests."""
    return (
        customers.CustomerData(vault),
        identity.IdentityData(vault),
        payments.PaymentsData(),
        lending.LendingData(vault),
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
        operations.IncidentAddresses(),
        payments.crossborder.EndedPayments(vault),
        payments.crossborder.UnusedPapers(vault),
        lending.applications.UnsuccessfulApplications(),
        privacy.RestrictedPeople(vault, make_providers(vault)),
    )
