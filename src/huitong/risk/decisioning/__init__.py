"""Decisions: online features, rules, lists and models, and the record of each decision."""
