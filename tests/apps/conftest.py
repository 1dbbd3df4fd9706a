"""A browser, and the real server for it: one of each for a session of tests."""

from tests.api.conftest import anonymous, api, serve, settings_for

__all__ = ["anonymous", "api", "serve", "settings_for"]
