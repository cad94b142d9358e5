# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that knows Ansible: options in, result out, check mode and failure handed over.

Ansible may start a module with any Python that it takes for a target: ansible-core 2.16 has 2.7 and 3.6 to 3.12. This
file and plugins/modules can be read by all of them, so that a Python that is too old is named instead of a traceback.
Therefore types are comments here, and everything else is imported inside functions, after the check.
"""

import json
import os
import sys

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

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

    def fail_json(self, msg, **result):
        # type: (str, **t.Any) -> None
        """End the module with this failure."""
        from ._core.errors import InvalidInput
        from ._tasks.result import failure

        if "error" not in result:
            # Masked first: the error's message may be cut, and a part of a secret is one too.
            refused = InvalidInput(remove_values(msg, self.no_log_values))
            result = dict(failure(refused), **result)
        super(_Module, self).fail_json(**dict(result, msg=msg))


def run_module(load):
    # type: (t.Callable[[], tuple[TaskFunction, dict[str, t.Any]]]) -> None
    """Run one module: its task gets its options and whether only to check; the task's result ends the module.

    `load` imports the task and what AnsibleModule is to know: the argument_spec, and the rules between options.
    """
    if sys.version_info < OLDEST_PYTHON:
        sys.stdout.write(json.dumps(_too_old()) + "\n")
        raise SystemExit(1)
    import signal
    from datetime import UTC, datetime
    from functools import partial

    from ._deps import IMPORT_ERROR, REQUIREMENTS, anyio
    from ._http.event_loop import new_event_loop
    from ._providers import RunContext
    from ._tasks.run import run_task

    task, declared = load()
    broken = ""
    try:
        module = _Module(supports_check_mode=True, **declared)
    except TypeError as problem:  # Ansible's own, where a number or a boolean stands for a dictionary
        broken = str(problem)
    if broken:
        sys.stdout.write(json.dumps(_no_dictionary(broken, declared["argument_spec"])) + "\n")
        raise SystemExit(1)
    if IMPORT_ERROR is not None:
        module.fail_json(**_missing(IMPORT_ERROR, REQUIREMENTS))
    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    context = RunContext(os.environ, lambda: datetime.now(UTC), signals=partial(anyio.open_signal_receiver, *ending))
    options = {"loop_factory": new_event_loop}
    result = anyio.run(run_task, task, module.params, bool(module.check_mode), context, backend_options=options)  # type: dict[str, t.Any]
    for text in result.pop("warnings", []):
        module.warn(text)
    if "error" in result:
        module.fail_json(**result)
    module.exit_json(**result)


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


def _no_dictionary(problem, argument_spec):
    # type: (str, dict[str, t.Any]) -> dict[str, t.Any]
    """The failure for an option with suboptions that holds something else, at which Ansible's own check breaks."""
    from ._core.errors import InvalidInput
    from ._tasks.result import failure

    options = ", ".join(sorted(name for name, option in argument_spec.items() if "options" in option))
    refused = InvalidInput("{0}: takes suboptions ({1}).".format(options, problem))
    return dict(failure(refused), failed=True)


def _missing(what, requirements):
    # type: (str, t.Sequence[str]) -> dict[str, t.Any]
    """The failure for a Python without the libraries, or with libraries that are too old."""
    from ._core.errors import MissingLibrary
    from ._tasks.result import failure

    install = " ".join("'{0}'".format(requirement) for requirement in requirements)
    missing = MissingLibrary(
        "The libraries of this module are not installed for the Python that runs it, {0}: {1}.".format(
            sys.executable, what
        ),
        remedy="Install them: {0} -m pip install {1}. Or {2}.".format(sys.executable, install, ELSEWHERE),
    )
    return failure(missing)
