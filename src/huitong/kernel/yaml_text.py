"""Reading YAML, safely and quickly."""

from typing import Any, Final

import yaml

#: Makes plain values only; in C, ten times as quick, where the library was built with it.
SafeLoader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str | bytes) -> Any:
    """Return the one document of a text as plain values. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=SafeLoader)  # noqa: S506 - a safe loader
