"""What travels over HTTP: strict bodies in, views out. No rules of business here."""
