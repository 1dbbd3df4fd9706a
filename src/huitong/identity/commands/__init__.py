"""The room's commands: each takes an open transaction and never commits it."""
