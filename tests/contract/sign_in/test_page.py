# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/sign-in-azure.md names tests and options that there are, and leaves none of the options out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from tests.hostile.options.specs import modules

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "sign-in-azure.md").read_text()
TESTS = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
SNIPPETS: list[Any] = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]
ELSEWHERE = {"scvmm_api_version", "compute_api_version", "disk_api_version"}


def test_the_tests_that_it_names_are_there() -> None:
    named = re.findall(r"`(test_\w+)(\.py)?`", PAGE)
    assert len(named) >= 9
    for name, suffix in named:
        found = list((ROOT / "tests").rglob(f"{name}.py")) if suffix else re.search(rf"def {name}\(", TESTS)
        assert found, name


def test_every_option_and_every_source_is_on_it() -> None:
    options = set(ArmSettings.model_fields) - ELSEWHERE
    sources = modules()["vm_checkpoint"].spec["auth_source"]["choices"]
    assert not [name for name in [*options, *sources] if f"`{name}" not in PAGE and f" {name}`" not in PAGE]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: str(list(next(iter(snippet[0].values())))[-1]))
def test_its_playbooks_are_tasks_of_the_collection(snippet: Any) -> None:
    ((module, options),) = snippet[0].items()
    assert modules()[module.rpartition(".")[2]].read(options)[1] == []


def test_every_row_of_the_table_has_a_snippet() -> None:
    headings = re.findall(r"^### (.*)$", PAGE.partition("## The ways")[2].partition("\n## ")[0], re.M)
    assert len(headings) == len(SNIPPETS) == len(re.findall(r"^\| \[", PAGE, re.M))
