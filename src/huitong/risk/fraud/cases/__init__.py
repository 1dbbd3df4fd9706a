"""Alerts grouped into cases by who takes part, and the work of people on them."""
