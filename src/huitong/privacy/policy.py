"""The disclosure policy: which role may see which kinds of data whole, for which purpose. Data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.yaml_text import read_yaml
from huitong.privacy.types import DataKind

_FILE: Final = "disclosure_policy.yaml"


class PolicyInvalidError(ValueError):
    """The policy's file cannot be used; a mistake of whoever changed it, found at start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All purposes that there are, and what each role may see whole for each."""

    purposes: Mapping[str, str]
    permits: Mapping[tuple[str, str], frozenset[DataKind]]
    #: The purposes for which data is still read once it is only stored (PIPL Art. 47).
    while_restricted: frozenset[str] = frozenset()

    @staticmethod
    def load() -> "Policy":
        """Return the policy that ships with us, read once in each process."""
        return _load()

    @staticmethod
    def parse(document: str) -> "Policy":
        """Return the policy that a YAML document writes; raises PolicyInvalidError."""
        if len(document.encode()) > limits.POLICY_FILE_BYTES_MAX:
            raise PolicyInvalidError(f"more than {limits.POLICY_FILE_BYTES_MAX} bytes")
        try:
            read: Any = read_yaml(document)
            purposes = {str(name): str(title) for name, title in read["purposes"].items()}
            entries = [
                (str(each["role"]), str(each["purpose"]), frozenset(map(DataKind, each["kinds"])))
                for each in read["permits"]
            ]
            while_restricted = frozenset(map(str, read.get("while_restricted", ())))
        except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise PolicyInvalidError(f"{type(error).__name__}: {error}") from error
        permits: dict[tuple[str, str], frozenset[DataKind]] = {}
        for role, purpose, kinds in entries:
            if purpose not in purposes:
                raise PolicyInvalidError(f"{role}: there is no purpose {purpose!r}")
            if (role, purpose) in permits:
                raise PolicyInvalidError(f"{role} and {purpose} stand there twice")
            permits[role, purpose] = kinds
        if not while_restricted <= purposes.keys():
            raise PolicyInvalidError("while_restricted names a purpose that there is not")
        return Policy(purposes=purposes, permits=permits, while_restricted=while_restricted)

    def check_purpose(self, purpose: str) -> None:
        """Raise InvalidField if there is no such purpose."""
        if purpose not in self.purposes:
            raise InvalidField(f"must be one of {', '.join(self.purposes)}", field="purpose")

    def find_role(
        self, roles: Iterable[str], purpose: str, kinds: frozenset[DataKind]
    ) -> tuple[str, frozenset[DataKind]] | None:
        """Return the role that may see most of `kinds` whole for a purpose, and those; or None.

        One role answers for one view: rights of several are not added up, because nobody looks in
        two roles at once. Of equal ones the first by name is taken.
        """
        best: tuple[str, frozenset[DataKind]] | None = None
        for role in sorted(roles):
            permitted = kinds & self.permits.get((role, purpose), frozenset())
            if permitted and (best is None or len(permitted) > len(best[1])):
                best = role, permitted
        return best


@cache
def _load() -> Policy:
    return Policy.parse((files("huitong.privacy") / _FILE).read_text(encoding="utf-8"))
