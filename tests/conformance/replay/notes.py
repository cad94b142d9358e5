# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request may have otherwise than the recording, and what is answered that nobody recorded. Nothing else may."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

NOTES = {
    "host": "recorded at management.azure.com: the player's own origin stands in all URLs of requests and headers",
    "api-version": "the recorded client's; the shapes are the same in ours",
    "correlation": "headers of a request are not compared: ids, user agent, framing",
    "mark": "the collection appends its mark to a checkpoint's description; the recorded text stands before it",
    "expand": "the client always expands what it reads; the recorded read without is the same resource",
    "case": "ARM's paths have no case; polling URLs were recorded in two, and the client follows the newest",
    "final poll": "azure-core polls or reads once more after success; what the client leaves out is not asked for",
    "again": "a read may be repeated: the latest answer of its kind is given until the recording goes on",
    "echo": "what a write answered with is what a read right after it finds",
    "absent": "a resource whose PUT was answered 201 was not there before, and one whose DELETE succeeded is gone: 404",
    "vm": "a point's VM and disks were not recorded, but the point's `sourceMetadata` describes them: so they answer",
    "source": "a copy's source was read by nobody who recorded: where the recording does not tell it, 403",
    "beside": "what else lies beside the recorded resources (locks, Resource Graph) was not recorded: 403",
    "sign-in": "recordings begin after it: a ready token is used, and the player itself answers the cloud's metadata",
}

_POLL = re.compile(r"/(?:operations|operationStatuses)/[^/]+\Z", re.IGNORECASE)
_BESIDE = re.compile(
    r"/Microsoft\.Authorization/locks|/Microsoft\.Compute/(?:virtualMachines|disks)(?:/[^/]+)?"
    r"|/Microsoft\.ResourceGraph/resources",
    re.IGNORECASE,
)
_MARK = re.compile(r"\n?\[hybridvm\.checkpoints [^\]]*\]\Z")


def path_of(target: str) -> str:
    """A path as ARM compares it."""
    return urlsplit(target).path.lower()


def query_of(target: str) -> dict[str, str]:
    """The parameters that have to be the same."""
    pairs = parse_qsl(urlsplit(target).query, keep_blank_values=True)
    return {name.lower(): value for name, value in pairs if name.lower() not in {"api-version", "$expand"}}


def expanded(target: str) -> str:
    """What a read wants expanded."""
    return dict(parse_qsl(urlsplit(target).query)).get("$expand", "").lower()


def is_poll(target: str) -> bool:
    """Whether this asks for an operation's state."""
    return bool(_POLL.search(urlsplit(target).path))


def is_beside(target: str) -> bool:
    """Whether this lies beside what is ever recorded."""
    found = _BESIDE.search(urlsplit(target).path)
    return bool(found) and urlsplit(target).path.endswith(str(found and found[0]))


def same_body(sent: Any, recorded: Any) -> bool:
    """Whether a body is the recorded one, but for the mark."""
    if isinstance(sent, dict) and isinstance(sent.get("description"), str):
        sent = {**sent, "description": _MARK.sub("", sent["description"])}
    return bool(sent == recorded)
