"""The language: SQL predicates over named features, parsed against a whitelist and type-checked."""
