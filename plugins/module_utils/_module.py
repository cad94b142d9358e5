# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that knows AnsibleModule: options in, result out, check mode and failure handed over.

Its twin for tasks that run inside the controller is plugins/plugin_utils/_action.py; what both do stands here.

Ansible may start a module with any Python that it takes for a target: ansible-core 2.16 has 2.7 and 3.6 to 3.12. This
file and plugins/modules can be read by all of them, so that a Python that is too old is named instead of a traceback.
Therefore types are comments here, and everything else is imported inside functions, after the check.
"""

import json
import os
import signal
import sys

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    from ._core.operation import Report
    from ._engine.interruption import Signals
    from ._tasks.run import TaskFunction

OLDEST_PYTHON = (3, 11)
ELSEWHERE = (
    "let the module run where Ansible does: delegate_to: localhost, with "
    'ansible_python_interpreter: "{{ ansible_playbook_python }}" if localhost is in the inventory'
)


class _Module(AnsibleModule):  # type: ignore[misc] # Ansible has no types
    """An AnsibleModule whose own failures have our shape.

    It fails before our code runs where an option has a wrong type or a declared rule is broken. A pipeline that
    branches on `error.code` finds `invalid_input` there as well.
    """

    def _load_params(self):
        # type: () -> None
        """Read the options, which are not what was given any more once AnsibleModule has checked them."""
        super(_Module, self)._load_params()
        problem = wrong_shape(self.params, self.argument_spec)
        if problem is not None:
            sys.stdout.write(json.dumps(dict(problem, failed=True)) + "\n")
            raise SystemExit(1)

    def fail_json(self, msg, **result):
        # type: (str, **t.Any) -> None
        """End the module with this failure."""
        if "error" not in result:
            checked = getattr(self, "validation_result", None)
            if checked is not None and checked.error_messages:
                found = refused(checked, self._name, self.mutually_exclusive, self.argument_spec)
            else:
                found = unfit(msg, self.no_log_values)
            result, msg = dict(found, **result), found["msg"]
        self._hide()
        super(_Module, self).fail_json(**dict(result, msg=msg))

    def exit_json(self, **result):
        # type: (**t.Any) -> None
        """End the module with this result."""
        self._hide()
        super(_Module, self).exit_json(**result)

    def _hide(self):
        # type: () -> None
        """Leave in the options, which a result shows as its invocation, what may be shown."""
        from ._tasks.given import shown

        self.params = shown(self.params, self.argument_spec)  # type: dict[str, t.Any]


def run_module(load):
    # type: (t.Callable[[], tuple[TaskFunction, dict[str, t.Any]]]) -> None
    """Run one module: its task gets its options and whether only to check; the task's result ends the module.

    `load` imports the task and what AnsibleModule is to know: the argument_spec, and the rules between options.
    """
    if sys.version_info < OLDEST_PYTHON:
        sys.stdout.write(json.dumps(_too_old()) + "\n")
        raise SystemExit(1)
    _leave_out_what_modules_never_use()
    task, declared = load()
    module = _Module(supports_check_mode=True, **declared)
    missing = missing_libraries()
    if missing is not None:
        module.fail_json(**missing)
    from ._tasks.signals import CaughtSignals

    with CaughtSignals(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:  # until the result is out
        result = run(task, module.params, bool(module.check_mode), signals.open)
        for text in result.pop("warnings", []):
            module.warn(text)
        if "error" in result:
            module.fail_json(**result)
        module.exit_json(**result)


def _leave_out_what_modules_never_use():
    # type: () -> None
    """Spare a module's process what would cost more than all of its requests.

    httpcore imports trio wherever that is installed, httpx its command line where click and rich are; both go without.
    pydantic looks for plugins of its own in every package that is installed.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for name in ("trio", "httpx._main"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type] # typeshed does not know it


def run(task, params, check_only, signals, report=None):
    # type: (TaskFunction, t.Mapping[str, t.Any], bool, Signals, t.Optional[Report]) -> dict[str, t.Any]
    """Run a task to its end: its result, with `error` where it failed. Needs the libraries.

    `signals` opens the way on which signals arrive that end it. `report` hears what the task waits for.
    """
    from datetime import UTC, datetime

    from ._deps import anyio
    from ._http.event_loop import new_event_loop
    from ._providers import RunContext
    from ._tasks.run import run_task

    context = RunContext(os.environ, lambda: datetime.now(UTC), signals=signals, report=report)
    options = {"loop_factory": new_event_loop}
    return anyio.run(run_task, task, params, check_only, context, backend_options=options)


def preload():
    # type: () -> None
    """Load what a task would load by and by: before a controller forks its workers, once for all of them."""
    from ._deps import load_transport
    from ._http.event_loop import new_event_loop
    from ._http.tls import prepare_context
    from ._providers import load_services
    from ._tasks.run import run_task
    from ._tasks.signals import CaughtSignals

    _loaded = new_event_loop, run_task, CaughtSignals
    load_transport()
    load_services()
    prepare_context()


def refused(checked, name, exclusive, argument_spec):
    # type: (t.Any, str, t.Optional[t.Sequence[t.Sequence[str]]], dict[str, t.Any]) -> dict[str, t.Any]
    """The failure for options that break a declared rule, from Ansible's result of checking them.

    What is misspelt comes first, because another rule is often broken for want of it; then an empty text, which Ansible
    takes for an option that was given.
    """
    from ansible.module_utils.errors import MutuallyExclusiveError, UnsupportedError

    from ._core.errors import InvalidInput
    from ._tasks.given import refuse_empty_rivals
    from ._tasks.result import failure

    for error in checked.errors:
        if isinstance(error, UnsupportedError):
            msg = "Unsupported parameters for ({0}) module: {1}".format(name, error.msg)
            return unfit(msg, checked._no_log_values)
    if any(isinstance(error, MutuallyExclusiveError) for error in checked.errors):
        try:
            refuse_empty_rivals(checked.validated_parameters, argument_spec, exclusive or ())
        except InvalidInput as problem:
            return failure(problem)
    return unfit(checked.errors.msg, checked._no_log_values)


def unfit(msg, secrets):
    # type: (str, t.Iterable[str]) -> dict[str, t.Any]
    """The failure for options of which Ansible says this."""
    from ._core.errors import InvalidInput
    from ._tasks.result import failure

    # Masked first: the error's message may be cut, and a part of a secret is one too.
    return dict(failure(InvalidInput(remove_values(msg, secrets))), msg=msg)


def _too_old():
    # type: () -> dict[str, t.Any]
    """The failure for such a Python; by hand, because it cannot read the file of errors."""
    version, needed = (".".join(str(part) for part in parts) for parts in (sys.version_info[:3], OLDEST_PYTHON))
    message = "Python {0} at {1} is too old: the module needs Python {2} or newer.".format(
        version, sys.executable, needed
    )
    remedy = (
        "Set ansible_python_interpreter to a Python {0} or newer that has the libraries of the collection's "
        "requirements.txt, or {1}.".format(needed, ELSEWHERE)
    )
    error = dict.fromkeys(("status", "request_id", "correlation_id", "operation", "details"))  # type: dict[str, t.Any]
    error.update(code="missing_library", message=message, remedy=remedy, retry="never")
    return {"failed": True, "changed": False, "error": error, "msg": message + " " + remedy}


def wrong_shape(params, argument_spec):
    # type: (t.Mapping[str, t.Any], dict[str, t.Any]) -> t.Optional[dict[str, t.Any]]
    """The failure for options whose values Ansible would turn into something else, or break at; None for others."""
    from ._core.errors import InvalidInput
    from ._tasks.given import refuse_wrong_shapes
    from ._tasks.result import failure

    try:
        refuse_wrong_shapes(params, argument_spec)
    except InvalidInput as problem:
        return failure(problem)
    return None


def missing_libraries():
    # type: () -> t.Optional[dict[str, t.Any]]
    """The failure for a Python without the libraries, or with libraries that are too old; None where all is well."""
    from ._deps import IMPORT_ERROR, REQUIREMENTS

    if IMPORT_ERROR is None:
        return None
    from ._core.missing import missing_library
    from ._tasks.result import failure

    return failure(missing_library("This module", *REQUIREMENTS, why=IMPORT_ERROR, other=ELSEWHERE, runs="it"))
