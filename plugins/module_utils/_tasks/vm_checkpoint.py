# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `vm_checkpoint` does: a named checkpoint is present or absent."""

from __future__ import annotations

import typing as t

from .._core.errors import InvalidInput
from .._core.spec import Absent, Present, Spec, validate_options
from .._providers import RunContext
from .checkpoints import converge_vms
from .run import Params

_OF_PRESENT = ("max_age", "supersede", "pin", "pin_until", "pin_lock")
_OF_ABSENT = ("select", "ignore_pin")


async def vm_checkpoint(params: Params, context: RunContext) -> dict[str, t.Any]:
    """The result of the module."""
    asked = {name: params.get(name) for name in ("name", "checkpoint_id", "on_ambiguous")}
    is_absent = params.get("state") == "absent"
    for option in _OF_PRESENT if is_absent else _OF_ABSENT:
        given = params.get(option)
        if given or (given is not None and option not in ("supersede", "ignore_pin")):
            raise InvalidInput(f"{option}: goes with state={'present' if is_absent else 'absent'} only.")
    spec: Spec
    if is_absent:
        spec = validate_options(Absent, asked | {name: params.get(name) for name in _OF_ABSENT})
    else:
        asked |= {name: params.get(name) for name in ("description", *_OF_PRESENT)}
        spec = validate_options(Present, asked)
    return await converge_vms(spec, params, context)
