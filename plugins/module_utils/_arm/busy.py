# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which errors of ARM mean that another operation holds the resource. Pure."""

from __future__ import annotations

import re
import typing as t

from .._http.lock_words import names_another_cause, outside_names, says_locked
from .errors import codes_of, read_error

# Another operation holds the resource. A 409 with ScopeLocked is an administrator's lock, which does not go by itself.
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


def is_locked(status: int, error: object, names: t.Collection[str] = ()) -> bool:
    """Whether the error of a refused request says that other work is under way, so that a later try may pass.

    412: the resource has changed since it was read. Like a lock: nothing was changed, and reading again helps.
    `names` are those that the request bears: what a text says within one of them, it does not say.
    """
    if status in (412, 423):
        return True
    codes = codes_of(error)
    if status == 409:
        return is_failed_by_lock(error, names)
    if status not in (400, 503) or "scopelocked" in codes:
        return False
    return any(code in _BUSY[1:] for code in codes) or (
        status == 400 and codes[:1] in [[code] for code in _WITH_400] and _is_under_way(error, names)
    )


def is_failed_by_lock(error: object, names: t.Collection[str] = ()) -> bool:
    """Whether an operation has failed with that error because of other work; a 409 says so in the same words."""
    codes = codes_of(error)
    if "scopelocked" in codes:
        return False
    if codes[:1] == [_BUSY[0]] or any(code in _BUSY[1:] for code in codes):
        return True
    # ScVmm passes on VMM's own errors as text.
    return says_locked(read_error(error)[1], names, codes) or _is_under_way(error, names)


def _is_under_way(error: object, names: t.Collection[str]) -> bool:
    """Whether an error's words say so; of an error of VMM its number says what it is."""
    text = read_error(error)[1]
    return bool(outside_names(_UNDER_WAY, text, names)) and not names_another_cause(text, names, codes_of(error))
