"""Decisions: how lists and rules become one action, the record of it, replay and explanation."""
