"""The use cases of payments, by topic. Each takes the unit of work and never commits."""
