"""Watching models at work: drift of what they see, and how well they find fraud week by week."""
