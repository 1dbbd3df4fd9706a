"""The model that a new installation starts with; `huitong risk train --into` wrote the files."""
