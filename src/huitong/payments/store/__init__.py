"""All SQL of the payments room but the hot path's, by topic."""
