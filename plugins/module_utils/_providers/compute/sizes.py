# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the name of a VM's size tells (learn: Azure VM sizes naming conventions). Pure."""

from __future__ import annotations

import re

from .fields import region_key
from .vm_entities import VmEntity

# The family, the letters behind the number of processors, and the version.
_SIZE = re.compile(r"standard_([a-z]+)\d+(?:-\d+)?([a-z]*)(?:_[a-z0-9]+)*_v(\d+)", re.IGNORECASE)
_INTEL_BOOST, _AMD_BOOST = 6, 7
_CONFIDENTIAL_REGIONS = ("uaenorth", "koreacentral")


def lacks_premium_storage(size: str) -> bool:
    """Whether its name has no `s`, which stands for Premium Storage, in a family where that tells it."""
    found = _SIZE.fullmatch(size)
    return found is not None and found[1][0].lower() in "abdef" and "s" not in (found[1] + found[2]).lower()


def snapshots_disks_apart(size: str) -> bool:
    """Whether its storage runs on Azure Boost, which takes no snapshot of several disks at one moment (overview of
    VM restore points): Intel from v6 on, AMD (`a`) from v7 on. Arm (`p`) is not named there.
    """
    found = _SIZE.fullmatch(size)
    if found is None:
        return False
    letters, version = found[2].lower(), int(found[3])
    return "p" not in letters and version >= (_AMD_BOOST if "a" in letters else _INTEL_BOOST)


def confidential_points(vm: VmEntity) -> bool:
    """Whether restore points of a confidential VM are in preview: sizes of v6 in two regions (support matrix)."""
    found = _SIZE.fullmatch(vm.size)
    return found is not None and int(found[3]) == 6 and region_key(vm.location) in _CONFIDENTIAL_REGIONS
