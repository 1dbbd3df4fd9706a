"""Minors and their guardians: what a minor may do, who acts for one, and that they consented.

Owns capacity by age (pure), the records of minors and of guardians' consents, and their SQL. The
commands are in `customers.commands.minors`.
"""
