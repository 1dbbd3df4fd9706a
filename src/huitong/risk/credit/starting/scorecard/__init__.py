"""The scorecard that is shipped: fitted to simulated applicants, and only a beginning."""
