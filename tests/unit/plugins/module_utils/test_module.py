# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one file that knows Ansible: options in, result out, check mode and failure reported to it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args

from ansible_collections.hybridvm.checkpoints.plugins.module_utils import _deps, _module
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import LimitReached, MissingLibrary
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.result import failure


@pytest.fixture(autouse=True)
def _as_on_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests load parts of Ansible's controller, to which a module's warnings would go."""
    monkeypatch.setattr(warnings._internal, "is_controller", False)


SPEC = {"name": {"type": "str"}, "secret": {"type": "str", "no_log": True}}


def outcome(run: Any, capsys: pytest.CaptureFixture[str], **arguments: Any) -> tuple[int, dict[str, Any]]:
    """The exit status and the result of a module around `run`."""
    with patch_module_args(arguments), pytest.raises(SystemExit) as ended:
        _module.run_module(lambda: (run, {"argument_spec": SPEC}))
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


async def echo(params: Any, world: RunContext) -> dict[str, Any]:
    """A run that tells what it was given."""
    return {
        "changed": world.check_only,
        "name": params["name"],
        "year": world.wall_clock().year,
        "warnings": ["mind the gap"],
    }


async def refuse(params: Any, world: RunContext) -> dict[str, Any]:
    """A run that fails with what nobody may read."""
    assert world.redactor is not None
    world.redactor.add("hush-hush")
    raise LimitReached("no more, says hush-hush.", subject="vm web01", remedy="Remove some.")


def test_a_result_ends_the_module_with_its_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    status, result = outcome(echo, capsys, name="n")
    assert (status, result["changed"], result["name"]) == (0, False, "n")
    assert result["year"] > 2025
    assert "mind the gap" in str(result["warnings"])


def test_check_mode_is_handed_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(echo, capsys, name="n", _ansible_check_mode=True)[1]["changed"] is True


def test_an_error_fails_the_module_in_one_line_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    status, result = outcome(refuse, capsys, name="n")
    assert (status, result["failed"], result["error"]["code"]) == (1, True, "limit_reached")
    assert result["msg"] == "vm web01: no more, says ********. Remove some."
    assert "hush-hush" not in json.dumps(result)


def test_a_failure_of_ansibles_own_has_a_code_and_no_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    status, result = outcome(echo, capsys, **{"x" * 948 + "hush-hush": 1, "secret": "hush-hush"})
    assert (status, result["failed"], result["error"]["code"]) == (1, True, "invalid_input")
    assert result["error"]["message"].startswith("Unsupported parameters")
    assert "hush" not in json.dumps([result["msg"], result["error"]])  # nor a part of it where a text is cut


def test_a_missing_library_is_one_line_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_deps, "IMPORT_ERROR", "No module named 'httpx'")
    status, result = outcome(echo, capsys, name="n")
    assert (status, result["error"]["code"]) == (1, "missing_library")
    assert f"{sys.executable}: No module named 'httpx'." in result["msg"]
    assert f"{sys.executable} -m pip install 'anyio>=4.4,<5' 'httpx>=0.27,<1' 'pydantic>=2.7,<3'." in result["msg"]
    assert "\n" not in result["msg"]
    assert "exception" not in result


def test_a_python_that_is_too_old_is_refused_in_the_same_shape(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_module, "OLDEST_PYTHON", (99, 1))
    status, result = outcome(echo, capsys, name="n", secret="hush-hush")
    problem = MissingLibrary(result["error"]["message"], remedy=result["error"]["remedy"])
    assert (status, result) == (1, {"failed": True, **failure(problem)})
    assert sys.executable in result["msg"]
    assert "99.1 or newer" in result["msg"]
    assert "hush-hush" not in json.dumps(result)
