"""Models: trained, calibrated, exported, registered and served, and watched for drift."""
