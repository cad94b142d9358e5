# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two pages name tests and options that there are, leave no option and no way out, and give each way a playbook."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings, SpfSettings
from tests.hostile.options.specs import modules

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[3]
TESTS = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


@dataclass(frozen=True)
class Page:
    """A page, the settings that it tells of but for those `elsewhere`, the option of the ways, and where they begin."""

    file: str
    settings: Any
    elsewhere: frozenset[str]
    ways: str
    heading: str

    @property
    def text(self) -> str:
        return (ROOT / "docs" / self.file).read_text()

    @property
    def of_ways(self) -> str:
        """The part with a snippet for each way. What else the page shows is run by test_sign_in_gate.py."""
        return self.text.partition(self.heading)[2].partition("\n## ")[0]

    @property
    def snippets(self) -> list[Any]:
        return [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", self.of_ways, re.S)]


AZURE = Page(
    "sign-in-azure.md",
    ArmSettings,
    frozenset({"scvmm_api_version", "compute_api_version", "disk_api_version"}),
    "auth_source",
    "## The ways",
)
SPF = Page(
    "sign-in-spf.md", SpfSettings, frozenset({"spf_stamp_id", "spf_subscription_id"}), "spf_auth", "## Every way"
)
PAGES = pytest.mark.parametrize("page", [AZURE, SPF], ids=lambda page: page.file)


@PAGES
def test_the_tests_that_it_names_are_there(page: Page) -> None:
    named = re.findall(r"`(?:tests/[\w/]+/)?(test_\w+)(\.py)?`", page.text)
    assert len(named) >= 9
    for name, suffix in named:
        found = list((ROOT / "tests").rglob(f"{name}.py")) if suffix else re.search(rf"def {name}\(", TESTS)
        assert found, name


@PAGES
def test_every_option_and_every_way_is_on_it(page: Page) -> None:
    options = set(page.settings.model_fields) - page.elsewhere
    ways = modules()["vm_checkpoint"].spec[page.ways]["choices"]
    assert not [name for name in [*options, *ways] if f"`{name}" not in page.text and f" {name}`" not in page.text]


@pytest.mark.parametrize(
    "snippet", [*AZURE.snippets, *SPF.snippets], ids=lambda each: str(next(iter(each[0].values())))
)
def test_its_playbooks_are_tasks_of_the_collection(snippet: Any) -> None:
    module, options = next(iter(snippet[0].items()))
    assert modules()[module.rpartition(".")[2]].read(options)[1] == []


@PAGES
def test_every_row_of_the_table_has_a_snippet_and_says_what_it_costs(page: Page) -> None:
    headings = re.findall(r"^### (.*)$", page.of_ways, re.M)
    rows = re.findall(r"^\| \[.*", page.text, re.M)
    assert len(headings) == len(page.snippets) == len(rows)
    links = {re.sub(r"[^a-z ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {link for row in rows for link in re.findall(r"^\| \[[^]]+\]\(#([a-z-]+)\)", row)} == links
    assert [row for row in rows if not re.search(r"\d+ ms|nothing|as those|as for", row)] == []


def test_the_role_of_the_page_holds_what_every_task_of_arc_needs() -> None:
    role = json.loads(re.findall(r"```json\n(.*?)```", AZURE.text, re.S)[0])
    rights = (ROOT / "docs" / "rights.md").read_text().partition("## Arc-enabled SCVMM")[2].partition("\n## ")[0]
    assert set(role["Actions"]) == set(re.findall(r"`(Microsoft\.[\w./]+)`", rights))
