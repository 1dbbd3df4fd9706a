"""Reading packs of rules from YAML, strictly.

A pack is read whole, and all its mistakes are reported together with file and key, so that the
person who maintains it does not mend them one run at a time.

A file has `jurisdiction`, `topic`, `sources` (by a short name) and `rules`. A source gives `title`,
`number`, `issuer`, `effective_from` and, where that day was set by us, `is_date_assumed`; a rule
gives `key`, `value`, `unit`, `scope`, `source`, `confidence`, `enforcement` and may override the
dates. Decimals are written in quotes: an unquoted one is a binary float already.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Final

import yaml

from huitong.kernel import limits
from huitong.kernel.rulebook.types import Rule, RulebookInvalidError, Scope
from huitong.kernel.rulebook.validation import read_rule, read_sources
from huitong.kernel.yaml_text import SafeLoader

_FILE_MEMBERS: Final = frozenset({"jurisdiction", "topic", "sources", "rules"})


class _StrictLoader(SafeLoader):  # type: ignore[misc]
    """A safe loader that refuses a mapping with the same member twice.

    YAML's usual readers keep the last one, so a rule with two values would silently have one.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the member {key!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        mapping: dict[object, object] = super().construct_mapping(node, deep)
        return mapping


@dataclass(slots=True)
class _Reading:
    """What was read so far, and what was wrong with it."""

    jurisdiction: str
    rules: list[Rule] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    files_by_rule: dict[int, str] = field(default_factory=dict)


def load_rules(jurisdiction: str, packs: Traversable | None = None) -> tuple[Rule, ...]:
    """Return all rules of a jurisdiction from `packs`, by default those that ship with us.

    Raises LookupError naming the packs that exist, and RulebookInvalidError naming every mistake.
    """
    packs = packs or files("huitong.kernel.rulebook") / "packs"
    names = sorted(entry.name for entry in packs.iterdir() if entry.is_dir())
    if jurisdiction.lower() not in names or not jurisdiction.isupper():
        known = ", ".join(name.upper() for name in names)
        raise LookupError(f"There is no rulebook for {jurisdiction!r}; there are {known}")
    reading = _Reading(jurisdiction)
    pack = packs / jurisdiction.lower()
    for entry in sorted(pack.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            _read_file(reading, entry)
    _check_overlaps(reading)
    if not reading.rules and not reading.problems:
        reading.problems.append(f"{jurisdiction.lower()}: the pack has no rules")
    if len(reading.rules) > limits.RULES_MAX:
        reading.problems.append(f"{len(reading.rules)} rules, but at most {limits.RULES_MAX}")
    if reading.problems:
        raise RulebookInvalidError(tuple(reading.problems))
    return tuple(reading.rules)


def _read_file(reading: _Reading, entry: Traversable) -> None:
    name = entry.name
    content = entry.read_bytes()
    if len(content) > limits.RULE_FILE_BYTES_MAX:
        reading.problems.append(f"{name}: longer than {limits.RULE_FILE_BYTES_MAX} bytes")
        return
    try:
        document = yaml.load(content, Loader=_StrictLoader)  # noqa: S506 - a safe loader's subclass
    except yaml.YAMLError as error:
        reading.problems.append(f"{name}: not readable as YAML: {' '.join(str(error).split())}")
        return
    if not isinstance(document, Mapping) or document.keys() != _FILE_MEMBERS:
        reading.problems.append(f"{name}: must have exactly {', '.join(sorted(_FILE_MEMBERS))}")
        return
    if document["jurisdiction"] != reading.jurisdiction:
        reading.problems.append(
            f"{name}: is for {document['jurisdiction']!r}, but lies in the pack of "
            f"{reading.jurisdiction}"
        )
    if document["topic"] != name.removesuffix(".yaml"):
        reading.problems.append(f"{name}: the topic must be the name of the file")
    _read_rules(reading, name, document)


def _read_rules(reading: _Reading, name: str, document: Mapping[str, object]) -> None:
    problems: list[str] = []
    sources = read_sources(document["sources"], problems)
    lines = document["rules"]
    if not isinstance(lines, list):
        problems.append("rules must be a list")
        lines = []
    used: set[object] = set()
    for position, line in enumerate(lines, start=1):
        if isinstance(line, Mapping):
            used.add(line.get("source"))
        rule = read_rule(line, position, reading.jurisdiction, sources, problems)
        if rule is not None:
            reading.rules.append(rule)
            reading.files_by_rule[id(rule)] = name
    problems.extend(f"source {source}: no rule uses it" for source in sources if source not in used)
    reading.problems.extend(f"{name}: {problem}" for problem in problems)


def _check_overlaps(reading: _Reading) -> None:
    """Find periods of one key and scope that overlap, in one file or across files."""
    histories: dict[tuple[str, Scope], list[Rule]] = {}
    for rule in reading.rules:
        histories.setdefault((rule.key, rule.scope), []).append(rule)
    for (key, scope), history in histories.items():
        history.sort(key=lambda rule: rule.effective_from)
        for earlier, later in pairwise(history):
            if earlier.is_in_force(later.effective_from):
                where = sorted({reading.files_by_rule[id(each)] for each in (earlier, later)})
                reading.problems.append(
                    f"{' and '.join(where)}: {key} ({scope}): the periods from "
                    f"{earlier.effective_from} and from {later.effective_from} overlap"
                )
        units = sorted({rule.unit for rule in history})
        if len(units) > 1:
            reading.problems.append(
                f"{reading.files_by_rule[id(history[0])]}: {key} ({scope}): "
                f"one key has several units: {', '.join(units)}"
            )
