"""A town of customers, honest and not, for a model to start from: see docs/risk.md."""
