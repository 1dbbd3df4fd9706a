"""The decision tables that a new installation starts with."""
