"""Revisions that take away: they run after the last old process has stopped."""
