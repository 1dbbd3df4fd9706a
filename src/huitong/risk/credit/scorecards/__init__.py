"""Scorecards: characteristics in bins, each bin worth points; what fits them and what scores."""
