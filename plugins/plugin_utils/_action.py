# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's task inside the controller, where that is possible: the twin of module_utils/_module.py.

Ansible loads an action's class in the controller and forks a worker for each task. What is imported here, at the top,
is loaded once; a module loads it for each task. Any Python that runs a controller can read this file, also an older one
than the core needs: then every task runs as a module.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import typing as t
from functools import partial

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.json import AnsibleJSONEncoder
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as Normal

from ..module_utils import _module
from ._last_words import endings, last_words, to_syslog
from ._live import audience
from ._progress import Lines
from ._surroundings import same_file, surroundings
from ._where import Situation, needs_module, time_left

if t.TYPE_CHECKING:
    from ..module_utils._core.operation import Report
    from ..module_utils._tasks.run import TaskFunction

SWITCH = "hybridvm_checkpoints_in_process"
"""The variable that sends a task to its module; the environment has it in capitals."""
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
OUT_OF_TIME = {"timed_out", "locked", "unavailable"}
"""Codes whose remedy is a longer wait_timeout, which does not help where the keyword `timeout` has shortened it."""
FACILITY = constants.DEFAULT_SYSLOG_FACILITY
RERUN = "Run the task again: it goes on from where things stand."
Load = t.Callable[[], tuple["TaskFunction", dict[str, t.Any]]]


class Core(t.NamedTuple):
    """A module's task, what Ansible checks of its options, and which of them exclude each other."""

    task: TaskFunction
    validator: ArgumentSpecValidator
    exclusive: t.Sequence[t.Sequence[str]] = ()


def core_of(load: Load) -> Core | None:
    """A module's core, loaded here and now; None where this Python or its libraries do not suffice."""
    if sys.version_info < _module.OLDEST_PYTHON or _module.missing_libraries() is not None:
        return None
    task, declared = load()
    _module.preload()
    last_words()
    return Core(task, ArgumentSpecValidator(**declared), declared.get("mutually_exclusive", ()))


class TaskAction(Normal):  # type: ignore[misc] # Ansible has no types
    """Runs the core of a module inside the controller, or the module as usual where something demands that."""

    core: t.ClassVar[Core | None] = None

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """The module's result, whichever way it takes."""
        variables = task_vars or {}
        environment = self._environment()
        why = needs_module(self._situation(variables, environment))
        arguments = self._plain_arguments() if why is None else None
        if self.core is None or arguments is None:
            self._display.vvv(f"runs as a module: {why or 'its options hold what only Ansible can hand over'}")
            return t.cast("dict[str, t.Any]", super().run(tmp, task_vars))
        ActionBase.run(self, tmp, task_vars)
        with surroundings(environment, self._loader.get_basedir()):
            return self._in_process(self.core, arguments, variables)

    def _environment(self) -> dict[str, str]:
        """What the keyword `environment` adds, as a shell would get it."""
        found: dict[str, t.Any] = {}
        self._compute_environment_string(found)
        return {str(name): str(value) for name, value in found.items()}

    def _situation(self, variables: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> Situation:
        delegate = self._task.delegate_to
        hosts = variables.get("ansible_delegated_vars", {}).get(delegate, {}) if delegate else variables
        interpreter = constants.config.get_config_value("INTERPRETER_PYTHON", variables=hosts)
        return Situation(
            connection=self._connection.transport,
            libraries=self.core is not None,
            allowed=self._allowed(variables, environment),
            becomes=bool(self._connection.become or self._play_context.become),
            in_background=bool(self._task.async_val),
            interpreter=str(self._templar.template(interpreter) or "").strip(),
            own=sys.executable,
            environment=environment,
            main_thread=threading.current_thread() is threading.main_thread(),
            same_file=same_file,
        )

    def _allowed(self, variables: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> bool:
        name = SWITCH.upper()
        value = environment.get(name, os.environ.get(name, True))
        if SWITCH in variables:
            name, value = SWITCH, self._templar.template(variables[SWITCH])
        try:
            return bool(boolean(value))
        except TypeError:
            raise AnsibleError(f"{name}: {value!r} is neither true nor false.") from None

    def _plain_arguments(self) -> dict[str, t.Any] | None:
        """The options as a module would read them; None for what no JSON can carry."""
        try:
            return dict(json.loads(json.dumps(self._task.args, cls=AnsibleJSONEncoder, vault_to_text=True)))
        except (TypeError, ValueError):
            return None

    def _in_process(
        self, core: Core, arguments: dict[str, t.Any], variables: t.Mapping[str, t.Any]
    ) -> dict[str, t.Any]:
        from ..module_utils._tasks.given import shown

        broken = _module.wrong_shape(arguments, core.validator.argument_spec)
        if broken is not None:
            return finished(broken, set())
        checked = core.validator.validate(arguments)
        params: dict[str, t.Any] = checked.validated_parameters
        secrets: set[str] = checked._no_log_values
        if checked.error_messages:
            found = _module.refused(checked, self._task.action, core.exclusive, core.validator.argument_spec)
        else:
            found = self._run(core.task, params, variables)
        if injects_invocation(variables):
            found["invocation"] = {"module_args": shown(params, core.validator.argument_spec)}
        return finished(found, secrets)

    def _run(self, task: TaskFunction, params: dict[str, t.Any], variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        from ..module_utils._tasks.signals import CaughtSignals

        timeout = self._task.timeout or 0
        given, warnings = shortened(params, timeout)
        with CaughtSignals(*ENDING, parent=os.getppid()) as signals:
            try:
                found = _module.run(task, given, bool(self._task.check_mode), signals.open, self._report())
            finally:
                signal.alarm(0)  # while it is still caught: what Ansible does with it would discard the result
                if audience.channel is not None:
                    audience.channel.end()
            if signals.first not in (None, signal.SIGALRM):
                self._tell(found, variables)
        if warnings and ("wait_timeout" in self._task.args or out_of_time(found)):  # nobody has asked for the default
            found["warnings"] = [*found.get("warnings", []), *warnings]
        if signals.first == signal.SIGALRM:
            found |= {"timedout": {"period": timeout}} if "error" in found else {}
        elif signals.first is not None:
            signal.raise_signal(signals.first)  # what Ansible does with it now ends this worker
        return found

    def _report(self) -> Report | None:
        """What shows the progress of a task: the callback `progress`, or lines with -v; nothing of a secret task."""
        if self._task.no_log:
            return None
        if audience.channel is not None:
            return audience.channel.report
        if not (audience.lines or self._display.verbosity):
            return None
        return Lines(partial(self._display.display, color=constants.COLOR_VERBOSE))

    def _tell(self, found: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any]) -> None:
        """Say what an interrupted task leaves behind: Ansible throws its result away."""
        lines = ["a task with no_log was interrupted."] if self._task.no_log else list(endings(found))
        if len(lines) > 1:
            texts = [f"interrupted: {len(lines)} targets were begun, and each has a line here. {RERUN}", *lines]
        else:
            texts = [" ".join([*(lines or [str(found.get("msg", "interrupted."))]), RERUN])]
        for text in texts:
            last_words().say(f"[{self._task.action}] {text}")
        if not constants.config.get_config_value("DEFAULT_NO_TARGET_SYSLOG", variables=dict(variables)):
            facility = str(variables.get("ansible_syslog_facility", FACILITY))
            for text in texts:
                to_syslog(self._task.action, text, facility)


def shortened(params: dict[str, t.Any], timeout: float) -> tuple[dict[str, t.Any], list[str]]:
    """The options with a wait_timeout that ends before Ansible's `timeout` of the task; a warning if it was longer."""
    from ..module_utils._core.times import format_duration, parse_duration

    try:
        asked = parse_duration(params["wait_timeout"])
    except (KeyError, TypeError, ValueError):
        return params, []  # the task itself says what is wrong with it
    left = time_left(asked, timeout)
    if left >= asked:
        return params, []
    text = format_duration(left)
    warning = f"wait_timeout is {params['wait_timeout']}, but the task's timeout is {timeout}s: it ends after {text}."
    return {**params, "wait_timeout": text}, [warning]


def out_of_time(found: t.Mapping[str, t.Any]) -> bool:
    """Whether the task, or one of its VMs, has failed for the end of its time."""
    parts = [*found.get("vms", []), *found.get("restore_point_collections", [])]
    errors = [found.get("error"), *(each.get("error") for each in parts)]
    return any(error["code"] in OUT_OF_TIME for error in errors if error)


def injects_invocation(variables: t.Mapping[str, t.Any]) -> bool:
    """Whether a module's result says how it was invoked: always until ansible-core 2.19, then where it is asked for."""
    if constants.config.get_configuration_definition("INJECT_INVOCATION") is None:
        return True
    return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=dict(variables)))


def finished(found: t.Mapping[str, t.Any], secrets: t.Iterable[str]) -> dict[str, t.Any]:
    """The result as a module returns it: failed where it has an error, secrets masked."""
    result = dict(found)
    if not result.get("warnings"):
        result.pop("warnings", None)
    if "error" in result:
        result["failed"] = True
    kept = {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
    return {**remove_values(result, secrets), **kept}
