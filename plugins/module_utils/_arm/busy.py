# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which errors of ARM mean that another operation holds the resource. Pure."""

from __future__ import annotations

import re

from .errors import codes_of, read_error

# Another operation holds the resource. A 409 with ScopeLocked is an administrator's lock, which does not go by itself.
_LOCKED = re.compile(r"(?<![\w-])2602(?![\w-])")
_BUSY = (
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
    r"\b(?:in progress|another (?:\w+ )?operation|ongoing operation|concurrent|changes (?:were|are being) made)\b"
    r"|\bbeing (?:attached|created|deallocated|deleted|detached|modified|moved|provisioned|restored|started|updated)\b"
    r"|\ban operation (?:is )?(?:already |currently )?running\b|\bundergoing an? \w"
    r"|\bin (?:an? )?'?(?:creating|deleting|moving|provisioning|updating)'? state\b",
    re.IGNORECASE,
)
"""What a code such as OperationNotAllowed or VMRestorePointClientError says when it means that (the same pages).

Not `is updating the resource`: ReferencedResourceNotProvisioned says that of a resource in Failed state, too.
"""
_WITH_400 = (
    "operationnotallowed",
    "referencedresourcenotprovisioned",
    "resourcenotinsucceededstate",
    "vmrestorepointclienterror",
)
"""The codes that say so with 400 as well; of another 400 the words may be about what was asked for."""
_NAME = re.compile(r"(?<!\w)'[^']{0,300}'(?!\w)")
"""A name in quotes: anybody may call a restore point `update in progress`."""


def is_locked(status: int, error: object) -> bool:
    """Whether the error of a refused request says that other work is under way, so that a later try may pass.

    412: the resource has changed since it was read. Like a lock: nothing was changed, and reading again helps.
    """
    if status in (412, 423):
        return True
    codes = codes_of(error)
    if status == 409:
        return is_failed_by_lock(error)
    if status not in (400, 503) or "scopelocked" in codes:
        return False
    words = _NAME.sub("''", read_error(error)[1][:4000])
    return any(code in _BUSY[1:] for code in codes) or (
        status == 400 and codes[:1] in [[code] for code in _WITH_400] and bool(_UNDER_WAY.search(words))
    )


def is_failed_by_lock(error: object) -> bool:
    """Whether an operation has failed with that error because of other work; a 409 says so in the same words."""
    codes, text = codes_of(error), read_error(error)[1]
    if "scopelocked" in codes:
        return False
    # ScVmm passes on VMM's own errors as text; 2602 is the one for a locked object.
    said = bool(_LOCKED.search(text) or _UNDER_WAY.search(text[:4000]))
    return said or codes[:1] == [_BUSY[0]] or any(code in _BUSY[1:] for code in codes)
