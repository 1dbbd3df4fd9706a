"""What runs: one checked tree, made into steps over numpy columns and into SQL for DuckDB."""
