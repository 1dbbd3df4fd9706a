"""What is installed is what the lock file names: from one index, with digests."""

import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
INDEX = {"registry": "https://pypi.org/simple"}


@pytest.fixture(scope="module")
def locked() -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    assert len(packages) > 100
    return packages


def test_every_package_comes_from_one_index_with_a_digest(locked: list[dict[str, Any]]) -> None:
    for package in locked:
        name = package["name"]
        if name == "huitong":
            assert package["source"] == {"editable": "."}
            continue
        assert package["source"] == INDEX, name
        files = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        assert files, name
        assert all(file["hash"].startswith("sha256:") for file in files), name
        assert all(file["url"].startswith("https://files.pythonhosted.org/") for file in files)


def test_what_the_package_needs_is_locked_and_bounded(locked: list[dict[str, Any]]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in project["dependencies"]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        # A name may stand there twice, for different versions of Python.
        versions = [package["version"] for package in locked if package["name"] == name]
        assert versions, text
        assert all(requirement.specifier.contains(version) for version in versions), text
        assert any(each.operator == ">=" for each in requirement.specifier), text


def test_what_is_installed_is_what_is_locked(locked: list[dict[str, Any]]) -> None:
    installed = {(canonicalize_name(each.name), each.version) for each in distributions()}
    assert len(installed) > 80
    known = {(package["name"], package["version"]) for package in locked}
    # Whatever else is there was not put there by us.
    assert {name for name, _ in installed - known} <= {"pip", "setuptools"}
