"""The database's history: revisions in `pre/` and `post/`, their SQL in `sql/`."""
