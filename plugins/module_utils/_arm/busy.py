# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which errors of ARM mean that another operation holds the resource."""

from __future__ import annotations

import re

# Another operation holds the resource. A 409 with ScopeLocked is an administrator's lock, which does not go by itself.
_LOCKED = re.compile(r"(?<![\w-])2602(?![\w-])")
BUSY = (
    "conflict",  # with 409 alone: with other statuses it is no lock
    "anotheroperationinprogress",
    "concurrentupdateerror",
    "conflictingconcurrentwritenotallowed",
    "requestconflict",
    "resourceoperationinprogress",
    "operationinprogress",
    "operationpreempted",
    "resourcebusy",
    "retryableerror",
    "retryableerrorduetoanotheroperation",
    "attachdiskwhilebeingdetached",
)
"""Codes that say so by themselves (troubleshooting pages of Azure VMs and disks; azuredisk-csi-driver#421)."""
_UNDER_WAY = re.compile(
    r"\b(?:in progress|another operation|ongoing operation|concurrent|changes (?:were|are being) made)\b"
    r"|\bbeing (?:attached|created|deallocated|deleted|detached|modified|moved|provisioned|restored|started|updated)\b",
    re.IGNORECASE,
)
"""What a code such as OperationNotAllowed or VMRestorePointClientError says when it means that (the same pages)."""


def is_busy(code: str, text: str) -> bool:
    # ScVmm passes on VMM's own errors as text; 2602 is the one for a locked object.
    return code.lower() in BUSY or bool(_LOCKED.search(text) or _UNDER_WAY.search(text[:4000]))
