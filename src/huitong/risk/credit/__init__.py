"""Credit risk: scorecards, limits and prices, classes, expected loss, early warning."""
