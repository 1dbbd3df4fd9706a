"""PostgreSQL: the embedded server, units of work and migrations.

Import the module that you need (`embedded`, `unit_of_work`, `migrations`): an API process must not
pay for starting servers, nor the supervisor for SQLAlchemy.
"""
