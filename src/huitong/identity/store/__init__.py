"""All SQL of the room, a file for each kind of thing."""
