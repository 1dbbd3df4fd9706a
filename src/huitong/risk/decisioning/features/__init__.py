"""Features: names, types and definitions; values online, in rows of counters, and over history."""
