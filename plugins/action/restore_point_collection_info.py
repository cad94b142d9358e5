# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`restore_point_collection_info` inside the controller where it can, else as the module."""

from __future__ import annotations

from ..modules.restore_point_collection_info import load
from ..plugin_utils._action import TaskAction, core_of


class ActionModule(TaskAction):
    """The action; its core is loaded here, where workers inherit it."""

    core = core_of(load)
