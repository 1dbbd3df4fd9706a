"""Onboarding of people: applications, their evidence, and what follows from it.

Owns the application and its states, judging evidence (pure), and sealing it. The commands are in
`customers.commands`, of which `checking` asks outside, with no transaction open.
"""
