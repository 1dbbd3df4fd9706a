"""A week in a town and the attacks on it: what is stopped, why, and what it costs the honest."""
