"""The attacks of the story, each as whoever does it would: over the API, from somewhere else."""
