"""Back-tests over stored decisions: their export, the comparison with what is live, and runs."""
