# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `vm_checkpoint_restore` does: a VM is brought back to a checkpoint."""

from __future__ import annotations

import typing as t

from .._core.spec import RestoreRequest, validate_options
from .._providers import RunContext
from .checkpoints import converge_vms
from .run import Params


async def vm_checkpoint_restore(params: Params, context: RunContext) -> dict[str, t.Any]:
    """The result of the module."""
    spec = validate_options(RestoreRequest, {name: params.get(name) for name in RestoreRequest.model_fields})
    return await converge_vms(spec, params, context)
