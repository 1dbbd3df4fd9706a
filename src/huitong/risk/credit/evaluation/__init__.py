"""How well credit models rank and how honest their probabilities are, on public data."""
