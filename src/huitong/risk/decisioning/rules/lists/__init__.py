"""Lists of known entities: always allowed for a time, always blocked, or watched."""
