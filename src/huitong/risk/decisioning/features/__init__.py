"""Features: their names, types and definitions, and their values over history."""
