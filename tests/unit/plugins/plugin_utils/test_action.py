# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task inside the controller: what AnsibleModule would say and do, without a process of its own."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action.normal import ActionModule as Normal

from ansible_collections.hybridvm.checkpoints.plugins.module_utils import _module
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Waiting
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import tls
from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils import _action
from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils._action import Core, TaskAction, core_of
from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils._live import Channel, audience
from tests.support.simulator_server import ROOT

COLLECTION = "ansible_collections.hybridvm.checkpoints"
NAME = "hybridvm.checkpoints.vm_checkpoint"
SECRET = "open sesame"
SPEC = {
    "name": {"type": "str"},
    "number": {"type": "int", "default": 3},
    "secret": {"type": "str", "no_log": True},
    "wait_timeout": {"type": "str", "default": "10m"},
}
seen: list[Any] = []


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """No context for TLS is left over from loading the actions, and no note of another test."""
    tls._prepared.clear()
    seen.clear()
    handlers = {number: signal.getsignal(number) for number in _action.ENDING}
    yield
    assert {number: signal.getsignal(number) for number in _action.ENDING} == handlers


async def echo(params: Any, context: Any) -> dict[str, Any]:
    """A task that tells what it was given."""
    seen.append((dict(params), context.check_only, context.environ.get("HYBRIDVM_TEST"), Path.cwd()))
    if context.report is not None:
        context.report(Waiting("vm web01", "create", 5, 1.0))
    return {"changed": True, "text": f"says {params['secret']}", "nothing": None, "warnings": ["mind the gap"]}


async def wait_for_signals(params: Any, context: Any) -> dict[str, Any]:
    """A task that waits until it is stopped."""
    seen.append(dict(params))
    await anyio.lowlevel.checkpoint()  # until somebody listens
    signal.raise_signal(params["number"])
    await anyio.sleep(60)
    raise AssertionError("nobody stopped it")


class Display:
    """What Ansible shows."""

    def __init__(self) -> None:
        self.verbosity = 0
        self.lines: list[str] = []

    def display(self, text: str, color: str | None = None) -> None:
        self.lines.append(text)

    def vvv(self, text: str) -> None:
        self.lines.append(text)


def action(
    task: Any = echo, args: dict[str, Any] | None = None, *, directory: Path | None = None, **more: Any
) -> TaskAction:
    """An action about to run `task` in a world where nothing demands the module, but for `more`."""

    class Tried(TaskAction):
        core = Core(task, ArgumentSpecValidator(SPEC))

    shell = SimpleNamespace(tmpdir=None, env_prefix=lambda **_given: "")
    given = {"transport": "local", "become": None, **{key: more.pop(key) for key in ("transport",) if key in more}}
    fields = {
        "args": args or {},
        "action": NAME,
        "environment": [],
        "delegate_to": None,
        "async_val": 0,
        "check_mode": False,
        "no_log": False,
        "timeout": 0,
        **more,
    }
    tried = Tried(
        task=SimpleNamespace(**fields),
        connection=SimpleNamespace(_shell=shell, **given),
        play_context=SimpleNamespace(become=False),
        loader=SimpleNamespace(get_basedir=lambda: str(directory or Path.cwd())),
        templar=SimpleNamespace(template=lambda value: value),
    )
    tried._display = Display()
    return tried


@pytest.fixture(autouse=True)
def _with_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ansible-core does it always until 2.19, and later where it is asked for."""
    monkeypatch.setenv("ANSIBLE_INJECT_INVOCATION", "true")


@pytest.mark.parametrize(
    ("known", "asked", "injected"), [(False, None, True), (True, True, True), (True, False, False)]
)
def test_a_result_says_how_it_was_invoked_where_a_module_s_does(
    monkeypatch: pytest.MonkeyPatch, known: bool, asked: bool | None, injected: bool
) -> None:
    config = SimpleNamespace(
        get_configuration_definition=lambda _name: {} if known else None,
        get_config_value=lambda _name, variables: asked,
    )
    monkeypatch.setattr(constants, "config", config)
    assert _action.injects_invocation({}) is injected


def test_the_task_gets_its_options_as_a_module_would(tmp_path: Path) -> None:
    here = Path.cwd()
    tried = action(
        args={"name": 4711, "secret": SECRET},
        directory=tmp_path,
        check_mode=True,
        environment=[{"HYBRIDVM_TEST": True}],
    )
    result = tried.run(task_vars={})
    ((params, check_only, variable, directory),) = seen
    assert params == {"name": "4711", "number": 3, "secret": SECRET, "wait_timeout": "10m"}
    assert (check_only, variable, directory) == (True, "True", tmp_path)
    assert (Path.cwd(), "HYBRIDVM_TEST" in os.environ) == (here, False)
    assert (result["changed"], result["nothing"], result["warnings"]) == (True, None, ["mind the gap"])
    assert "failed" not in result
    assert result["invocation"]["module_args"]["number"] == 3
    assert SECRET not in str(result)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"nmae": SECRET, "secret": SECRET}, f"Unsupported parameters for ({NAME}) module: nmae. Supported parameters"),
        ({"number": "many"}, "argument 'number' is of type"),
        ({"secret": {"a": SECRET}}, "secret: takes a text, not a dictionary."),
        ({"secret": [SECRET]}, "secret: takes a text, not a list."),
    ],
)
def test_bad_options_are_refused_in_our_shape(args: dict[str, Any], text: str) -> None:
    result = action(args=args).run()
    assert (result["failed"], result["changed"], result["error"]["code"]) == (True, False, "invalid_input")
    assert text in result["msg"]
    assert text in result["error"]["message"]
    assert SECRET not in str(result)
    assert seen == []


@pytest.mark.parametrize("args", [{"scret": SECRET}, {"name": f"https://user:{SECRET.replace(' ', '')}@host/x"}])
def test_an_invocation_shows_no_misspelt_secret_and_no_password_of_a_url(args: dict[str, Any]) -> None:
    result = action(args=args).run()
    assert "********" in result["invocation"]["module_args"][next(iter(args))]
    assert "sesame" not in str(result)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"transport": "ssh"}, "the connection is ssh"),
        ({"async_val": 30}, "async is set"),
        ({"environment": [{"PYTHONPATH": "/opt"}]}, "environment sets PYTHONPATH"),
        ({"args": {"name": b"bytes"}}, "its options hold what only Ansible can hand over"),
        ({"environment": [{"HYBRIDVM_CHECKPOINTS_IN_PROCESS": "no"}]}, "hybridvm_checkpoints_in_process is false"),
    ],
)
def test_elsewhere_the_module_runs_as_usual(monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], why: str) -> None:
    monkeypatch.setattr(Normal, "run", lambda self, tmp, task_vars: {"by": "module"})
    tried = action(**more)
    assert tried.run(task_vars={}) == {"by": "module"}
    assert why in tried._display.lines[0]
    assert seen == []


def test_the_variable_is_stronger_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDVM_CHECKPOINTS_IN_PROCESS", "false")
    assert action().run(task_vars={"hybridvm_checkpoints_in_process": True})["changed"]
    with pytest.raises(AnsibleError, match=r"^hybridvm_checkpoints_in_process: 'perhaps' is neither true nor false\.$"):
        action().run(task_vars={"hybridvm_checkpoints_in_process": "perhaps"})


def test_a_delegated_task_has_the_interpreter_of_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Normal, "run", lambda self, tmp, task_vars: {"by": "module"})
    hosts = {"ansible_delegated_vars": {"here": {}}, "ansible_python_interpreter": "/usr/bin/python2"}
    assert action(delegate_to="here").run(task_vars=hosts)["changed"]
    hosts = {"ansible_delegated_vars": {"here": {"ansible_python_interpreter": "/usr/bin/python2"}}}
    assert action(delegate_to="here").run(task_vars=hosts) == {"by": "module"}


@pytest.mark.parametrize(
    ("verbosity", "no_log", "lines"),
    [(0, False, []), (1, False, ["vm web01: create: 5 %, 1 s"]), (1, True, [])],
)
def test_progress_is_for_those_who_ask_and_never_of_secrets(verbosity: int, no_log: bool, lines: list[str]) -> None:
    tried = action(no_log=no_log)
    tried._display.verbosity = verbosity
    tried.run()
    assert tried._display.lines == lines


@pytest.mark.parametrize("no_log", [False, True])
def test_the_callback_asks_for_lines_without_v(monkeypatch: pytest.MonkeyPatch, no_log: bool) -> None:
    monkeypatch.setattr(audience, "lines", True)
    tried = action(no_log=no_log)
    tried.run()
    assert tried._display.lines == ([] if no_log else ["vm web01: create: 5 %, 1 s"])


@pytest.mark.parametrize("no_log", [False, True])
def test_the_callback_s_channel_takes_the_place_of_lines(monkeypatch: pytest.MonkeyPatch, no_log: bool) -> None:
    channel = Channel()
    monkeypatch.setattr(audience, "channel", channel)
    tried = action(no_log=no_log)
    tried._display.verbosity = 1
    tried.run()
    heard = [message.get("text") for message in channel.heard(5)]
    channel.close()
    assert heard == ([None] if no_log else ["vm web01: create: 5 %, 1 s", None])  # the last is the end
    assert tried._display.lines == []


@pytest.mark.parametrize("asked", [{}, {"wait_timeout": "10m"}], ids=["by default", "as asked for"])
def test_the_timeout_ends_a_task_with_what_is_known(asked: dict[str, str]) -> None:
    """Only who has asked for a longer wait_timeout is warned."""
    result = action(wait_for_signals, {"number": int(signal.SIGALRM), **asked}, timeout=30).run()
    assert (result["failed"], result["error"]["code"], result["timedout"]) == (True, "interrupted", {"period": 30})
    assert "ended by the task's timeout" in result["msg"]
    warning = "wait_timeout is 10m, but the task's timeout is 30s: it ends after 28s."
    assert result.get("warnings", []) == ([warning] if asked else [])
    assert seen[0]["wait_timeout"] == "28s"
    assert result["invocation"]["module_args"]["wait_timeout"] == "10m"


@pytest.mark.parametrize(
    ("code", "of_vms", "warned"),
    [
        ("timed_out", [], True),
        ("locked", [], True),
        ("unavailable", [], True),
        ("not_found", [], False),
        ("some_failed", ["not_found", None, "locked"], True),
        ("some_failed", ["not_found", None], False),
    ],
)
def test_who_runs_out_of_time_learns_what_has_set_it(code: str, of_vms: list[str | None], warned: bool) -> None:
    """Also where nobody has asked for a longer wait_timeout: the remedy says to raise it, and that would not help."""
    vms = [{"error": None if each is None else {"code": each}} for each in of_vms]

    async def fails(*_given: Any) -> dict[str, Any]:
        return {"changed": False, "msg": "no", "error": {"code": code}, **({"vms": vms} if vms else {})}

    result = action(fails, {}, timeout=30).run()
    warning = "wait_timeout is 10m, but the task's timeout is 30s: it ends after 28s."
    assert result.get("warnings", []) == ([warning] if warned else [])
    assert "warnings" not in action(fails, {}).run()


@pytest.mark.parametrize("given", [{"wait_timeout": "soon"}, {"wait_timeout": "20s"}])
def test_a_shorter_or_wrong_deadline_is_left_alone(given: dict[str, str]) -> None:
    assert _action.shortened(given, 30) == (given, [])


@pytest.mark.parametrize(("no_log", "silent"), [(False, False), (True, False), (False, True)])
def test_a_signal_is_told_and_then_takes_its_course(
    monkeypatch: pytest.MonkeyPatch, no_log: bool, silent: bool
) -> None:
    told: list[str] = []
    logged: list[tuple[str, ...]] = []
    taken: list[int] = []
    monkeypatch.setattr(_action, "last_words", lambda: SimpleNamespace(say=told.append))
    monkeypatch.setattr(_action, "to_syslog", lambda *given: logged.append(given))
    monkeypatch.setenv("ANSIBLE_NO_TARGET_SYSLOG", str(silent))
    before = signal.signal(signal.SIGTERM, lambda number, _frame: taken.append(number))
    try:
        result = action(wait_for_signals, {"number": int(signal.SIGTERM)}, no_log=no_log).run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert result["error"]["code"] == "interrupted"
    assert taken == [signal.SIGTERM]
    expected = "a task with no_log was interrupted." if no_log else "ended by SIGTERM. Nothing was changed."
    assert told == [f"[{NAME}] {expected} {_action.RERUN}"]
    assert logged == ([] if silent else [(NAME, f"{expected} {_action.RERUN}", "LOG_USER")])


def test_of_many_targets_each_has_a_line_and_the_first_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for all would be cut where a pipe takes no more at once."""
    told: list[str] = []
    monkeypatch.setattr(_action, "last_words", lambda: SimpleNamespace(say=told.append))
    monkeypatch.setattr(_action, "to_syslog", lambda *_given: None)
    error = {"message": "vm web01: was accepted.", "operation": {"kind": "job", "id": "j"}}
    action(wait_for_signals, {})._tell({"vms": [{"error": error}, {"error": error}, {}]}, {})
    assert told[0] == f"[{NAME}] interrupted: 2 targets were begun, and each has a line here. {_action.RERUN}"
    assert told[1:] == [f"[{NAME}] vm web01: was accepted. [job j]"] * 2


def test_a_core_is_loaded_where_this_python_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(_module, "preload", lambda: loaded.append("all"))
    core = core_of(lambda: (echo, {"argument_spec": SPEC}))
    assert core is not None
    assert core.task is echo
    assert loaded == ["all"]
    monkeypatch.setattr(_module, "missing_libraries", lambda: {"error": {}})
    assert core_of(lambda: pytest.fail("it needs its libraries")) is None
    monkeypatch.setattr(_module, "OLDEST_PYTHON", (sys.version_info[0], sys.version_info[1] + 1))
    monkeypatch.setattr(_module, "missing_libraries", lambda: pytest.fail("it cannot be read"))
    assert core_of(lambda: pytest.fail("it cannot be read")) is None


def test_without_a_core_the_module_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Normal, "run", lambda self, tmp, task_vars: {"by": "module"})
    tried = action()
    type(tried).core = None
    assert tried.run() == {"by": "module"}
    assert "lacks the collection's libraries" in tried._display.lines[0]


def test_each_action_has_the_core_of_its_module() -> None:
    for path in sorted((ROOT / "plugins/modules").glob("*.py")):
        action_of = importlib.import_module(f"{COLLECTION}.plugins.action.{path.stem}")
        task, _declared = importlib.import_module(f"{COLLECTION}.plugins.modules.{path.stem}").load()
        assert action_of.ActionModule.core.task is task
