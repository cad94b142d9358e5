# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents say of the code is what the code says of itself."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from ansible_collections.hybridvm.checkpoints.plugins.doc_fragments.options import ModuleDocFragment
from ansible_collections.hybridvm.checkpoints.plugins.module_utils import _module
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core import errors as _errors
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core import settings as _settings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import argument_specs as _options

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "https://github.com/hybridvm/checkpoints"
MODULES = sorted(path.stem for path in ROOT.glob("plugins/modules/*.py"))


def links(text: str) -> list[str]:
    """Where the links of a Markdown document lead, inline ones and those by reference."""
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.M)


def read(name: str) -> str:
    """A document of the checkout or the collection's tree."""
    return (ROOT / name).read_text()


def test_the_list_of_errors_is_the_codes_own() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \|.*\| (\w+) \|$", read("docs/errors.md"), re.M))
    assert listed == {code: kind.retry for code, kind in _errors.codes().items()}


def test_the_tree_of_errors_in_the_docstring_is_the_real_one() -> None:
    drawn = set(re.findall(r"[├└]── (\w+) +(?:\w+_?\w+) {2}", str(_errors.__doc__)))
    assert drawn == {kind.__name__ for kind in _errors.codes().values()}


def test_every_connection_option_is_an_option_with_documented_fallbacks() -> None:
    documented = read("plugins/doc_fragments/options.py")
    assert set(_settings.ENVIRONMENT) == set(_options.CONNECTION)
    for option, variables in _settings.ENVIRONMENT.items():
        part = documented.split(f"\n  {option}:\n", 1)[1].split("\n    type:", 1)[0]
        assert re.findall(r"E\((\w+)\)", part) == list(variables), option


@pytest.mark.parametrize("part", ["CONNECTION", "VMS", "MANY", "DEADLINE", "CHANGES", "READS"])
def test_what_modules_share_is_documented_as_it_is_declared(part: str) -> None:
    documented = yaml.safe_load(getattr(ModuleDocFragment, part))["options"]
    fields = ("type", "elements", "choices", "default", "required")
    described = {name: {field: doc[field] for field in fields if field in doc} for name, doc in documented.items()}
    declared = {name: {k: v for k, v in spec.items() if k != "no_log"} for name, spec in vars(_options)[part].items()}
    assert described == declared


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_documentation_and_under_thirty_lines_of_code(name: str) -> None:
    source = read(f"plugins/modules/{name}.py")
    documentation = {
        line
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    code = [line for n, line in enumerate(source.splitlines(), 1) if n not in documentation and line.strip()]
    assert len([line for line in code if not line.startswith("#")]) < 30


@pytest.mark.parametrize("name", MODULES)
def test_what_each_option_means_is_reported(name: str) -> None:
    """The connection's options are described with their fallbacks in the modules' documentation."""
    module = import_module(f"ansible_collections.hybridvm.checkpoints.plugins.modules.{name}")
    own = set(yaml.safe_load(module.DOCUMENTATION)["options"])
    rows = re.findall(r"^\| (`[^|]*) \|", read("docs/semantics.md"), re.M)
    listed = {option for row in rows for option in re.findall(r"`(\w+)", row)}
    assert not (own | {*_options.VMS, *_options.MANY, *_options.DEADLINE, *_options.CHANGES}) - listed


def test_what_the_modules_require_is_what_is_installed() -> None:
    documented = re.findall(r"^  - (\w+) >= ([\d.]+)$", read("plugins/doc_fragments/options.py"), re.M)
    oldest = ".".join(map(str, _module.OLDEST_PYTHON))
    libraries = re.findall(r"^(\w+)>=([\d.]+),<\d+$", read("requirements.txt"), re.M)
    assert sorted(documented) == sorted([("python", oldest), *libraries])


@pytest.mark.parametrize(
    "name", sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
)
def test_links_between_documents_lead_somewhere(name: str) -> None:
    for target in (target.partition("#")[0] for target in links(read(name))):
        ours = re.fullmatch(rf"{REPOSITORY}/(?:blob|tree)/main/(.*)", target)
        if ours:
            assert (ROOT / ours[1]).exists(), target
        elif target and "://" not in target:
            assert ((ROOT / name).parent / target).exists(), target


def test_the_readme_has_the_parts_that_automation_hub_asks_for_and_links_that_work_there() -> None:
    parts = re.findall(r"^## (.*)$", read("README.md"), re.M)
    asked = ["Description", "Requirements", "Installation", "Use Cases", "Testing", "Support"]
    asked += ["Release Notes and Roadmap", "Related Information", "License Information"]
    assert [part for part in parts if part in asked] == asked
    relative = [target for target in links(read("README.md")) if "://" not in target]
    headings = {"#" + part.lower().replace(" ", "-") for part in parts}
    assert set(relative) <= headings
    used = re.findall(r"\]\[([^\]]+)\]", read("README.md")) + re.findall(r"\[([^\]]+)\](?![(\[:])", read("README.md"))
    defined = set(re.findall(r"^\[([^\]]+)\]: ", read("README.md"), re.M))
    assert defined == {each.lower() for each in used} & defined
    assert set(re.findall(r"\]\[([^\]]+)\]", read("README.md"))) <= defined


def test_the_readme_tells_the_versions_that_are_required() -> None:
    oldest = re.findall(r'^requires_ansible: ">=([\d.]+)\.0"$', read("meta/runtime.yml"), re.M)
    assert re.findall(r"^\| ansible-core \| ([\d.]+) or newer \|$", read("README.md"), re.M) == oldest
    row = re.findall(
        r"^\| Python that runs the modules \| ([\d.]+) or newer, with (.*) or newer \|$", read("README.md"), re.M
    )
    libraries = re.findall(r"^(\w+)>=([\d.]+),<\d+$", read("requirements.txt"), re.M)
    ((python, bounds),) = row
    assert python == ".".join(map(str, _module.OLDEST_PYTHON))
    assert sorted(re.findall(r"(\w+) ([\d.]+)", bounds)) == sorted(libraries)


def test_the_readmes_table_of_promises_is_made_from_the_capabilities() -> None:
    tools = ROOT / "tools"
    if not tools.is_dir():
        pytest.skip("the collection's tree holds no tools; the checkout's run checks this")
    from tools import promises

    assert promises.with_table(read("README.md")) == read("README.md"), "run: python tools/promises.py"


@pytest.mark.parametrize("name", [field.name for field in fields(Capabilities)])
def test_a_capability_is_read_somewhere_as_adding_a_service_says(name: str) -> None:
    plugins = "".join(file.read_text("utf-8") for file in (ROOT / "plugins/module_utils").rglob("*.py"))
    promises = (ROOT / "tools/promises.py").read_text("utf-8")
    assert re.search(rf"\b_?capabilities\.{name}\b", plugins) or re.search(rf"\b(service|s)\.{name}\b", promises)
