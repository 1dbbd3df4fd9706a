"""Decision tables: eligibility and prices as rows of conditions, versioned and tested."""
