"""Rules: predicates as data, their programs, versions and back-tests, and lists of entities."""
