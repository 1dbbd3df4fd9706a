"""Kernel, jobs, ledger, customers and payments: the first tables."""

from huitong.migrations.scripts import create_app_role, create_job_tables, run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first schemas, the application's role and its grants."""
    create_app_role()
    create_job_tables()
    for name in (
        "0001_kernel",
        "0001_jobs",
        "0001_ledger",
        "0001_transparency",
        "0001_customers_payments",
        "0001_grants",
    ):
        run_sql(name)
