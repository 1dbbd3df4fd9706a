"""The scorecard of a new installation: its features, its simulated applicants, what it is worth."""
