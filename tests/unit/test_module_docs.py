# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RETURN sections are what docs/source/returns.yml says, and the script that writes them writes what it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import module_docs

ROOT = Path(__file__).resolve().parents[2]
SOURCE = yaml.safe_load((ROOT / module_docs.SOURCE).read_text("utf-8"))
ID = {"description": "Its id.", "type": "str"}
PLAN = {"description": "What is done.", "type": "dict", "returned": "success", "contains": {"id": ID, "vm": ID}}


def source(*keys: str, **module: Any) -> dict[str, Any]:
    """A source with a plan, what is like it, and one module that returns these keys."""
    like = {"description": "Plans.", "type": "list", "elements": "dict", "returned": "failure", "contains_of": "plan"}
    known = {"plan": PLAN, "plans": like}
    return {"keys": {key: known[key] for key in {"plan", *keys}}, "modules": {"m": {"keys": list(keys), **module}}}


def section(*keys: str, **module: Any) -> Any:
    return yaml.safe_load(module_docs.sections(source(*keys, **module))["m"])


@pytest.mark.parametrize("name", sorted(path.stem for path in ROOT.glob("plugins/modules/*.py")))
def test_a_module_says_what_the_source_says(name: str) -> None:
    text = (ROOT / module_docs.MODULES / f"{name}.py").read_text("utf-8")
    assert module_docs.written(text, module_docs.sections(SOURCE)[name]) == text, "run: python tools/module_docs.py"


def test_what_is_written_is_read_again_as_it_was() -> None:
    for name, text in module_docs.sections(SOURCE).items():
        assert yaml.safe_load(text) == module_docs.returned(SOURCE["keys"], SOURCE["modules"][name])
        assert max(map(len, text.splitlines())) <= module_docs.WIDTH


def test_a_module_has_its_own_differences() -> None:
    found = section("plan", "plans", without=["plan.vm"], differs={"plans.id": {"description": "Another."}})
    assert found["plan"]["contains"] == {"id": ID | {"returned": "always"}}
    assert found["plans"]["contains"]["id"]["description"] == "Another."
    assert list(found["plans"]["contains"]) == ["id", "vm"]


@pytest.mark.parametrize("text", ["a: b", "a, b", "it's [x]", 'say "x"', "50 %", "- a", "true", "C(a); b", "x " * 90])
def test_any_text_can_be_written(text: str) -> None:
    for described in (text.strip(), [text.strip(), "more"]):
        found = section("plan", differs={"plan.id": {"description": described}})
        assert found["plan"]["contains"]["id"]["description"] in (described, [described])


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ({"without": ["plan.nothing"]}, "there is no plan.nothing"),
        ({"differs": {"plan.nothing.id": {"type": "int"}}}, "there is no plan.nothing.id"),
        ({"keys": ["plan"]}, "no module returns plans"),
        ({"differs": {"plan": {"contains": {"x": {"type": "str"}}}}}, "description missing of"),
    ],
)
def test_a_mistake_in_the_source_is_named(module: dict[str, Any], expected: str) -> None:
    with pytest.raises(module_docs.Mistake, match=expected):
        module_docs.sections(source("plan", "plans") | {"modules": {"m": {"keys": ["plan", "plans"], **module}}})


def test_the_check_names_what_is_stale_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = tmp_path / module_docs.MODULES / "m.py"
    module.parent.mkdir(parents=True)
    (tmp_path / module_docs.SOURCE).parent.mkdir(parents=True)
    (tmp_path / module_docs.SOURCE).write_text(yaml.safe_dump(source("plan")))
    module.write_text('RETURN = r"""\nplan:\n"""\n')
    monkeypatch.setattr(module_docs, "ROOT", tmp_path)
    assert module_docs.main(["--check"]) == 1
    assert "plugins/modules/m.py" in capsys.readouterr().err
    assert module.read_text() == 'RETURN = r"""\nplan:\n"""\n'
    assert module_docs.main([]) == 0
    assert "Its id." in module.read_text()
    assert module_docs.main(["--check"]) == 0
