"""Versions of what staff write: rules and decision tables live the same life."""
