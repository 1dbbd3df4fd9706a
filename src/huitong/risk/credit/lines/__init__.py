"""Credit lines: their first limit and price, their adjustment, and early warning of borrowers."""
