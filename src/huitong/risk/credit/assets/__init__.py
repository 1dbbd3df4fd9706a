"""Loans as assets: their five classes, provisions by class, and expected loss in three stages."""
