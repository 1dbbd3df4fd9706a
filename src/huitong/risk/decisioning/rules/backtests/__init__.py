"""Back-tests: what a set of rules would have done with stored history."""
