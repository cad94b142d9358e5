# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `vm_checkpoint` does: a named checkpoint is present or absent."""

from __future__ import annotations

import typing as t

from .._core.errors import InvalidInput
from .._core.redaction import Redactor
from .._core.spec import Absent, Present, Spec, validate_options
from .._providers import RunContext
from .checkpoints import converge_vms
from .run import Params


async def vm_checkpoint(params: Params, check_only: bool, context: RunContext, redactor: Redactor) -> dict[str, t.Any]:
    """The result of the module."""
    asked = {name: params.get(name) for name in ("name", "checkpoint_id", "on_ambiguous")}
    spec: Spec
    if params.get("state") == "absent":
        for option in ("max_age", "supersede"):
            if params.get(option):
                raise InvalidInput(f"{option}: goes with state=present only.")
        spec = validate_options(Absent, asked)
    else:
        asked |= {name: params.get(name) for name in ("description", "max_age", "supersede")}
        spec = validate_options(Present, asked)
    return await converge_vms(spec, params, check_only, context, redactor)
