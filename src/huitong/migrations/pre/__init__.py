"""Revisions that only add: they run before new code starts."""
