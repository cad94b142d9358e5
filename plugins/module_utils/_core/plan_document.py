# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that comes back to us, as a result had it: read, and held to its version and its checksum. Pure."""

from __future__ import annotations

import json
import typing as t

from .errors import InvalidInput
from .plan import VERSION, checksum, digest_of

Document = dict[str, t.Any]
KEEP = "keep"
"""The verb of the actions that change nothing."""


def plan_of(value: object, where: str) -> Document:
    """The plan in Python's own types. InvalidInput names `where` it is no plan, or was altered since it was returned.

    What was altered approves nothing and shows nothing: nobody knows what it said.
    """
    plan = plain(value)
    actions = plan.get("actions") if isinstance(plan, dict) else None
    if not isinstance(actions, list) or plan.get("version") != VERSION:
        raise InvalidInput(f"{where}: is no plan of version {VERSION} as results have it under the key plan.")
    group = plan.get("group")
    if checksum(actions, group) != plan.get("checksum"):
        raise _altered(where)
    if not all(map(_is_action, actions)):
        raise InvalidInput(f"{where}: holds what is no action.")
    # The checksum covers neither the digest nor itself, and the digest alone approves as well.
    if digest_of([action["id"] for action in actions if action["action"] != KEEP], group) != plan.get("digest"):
        raise _altered(where)
    return t.cast(Document, plan)


def _is_action(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in ("id", "action"))


def _altered(where: str) -> InvalidInput:
    return InvalidInput(f"{where}: was altered since it was returned.", remedy="Give it as it was returned.")


def from_json(text: str, where: str) -> t.Any:
    """What a JSON text holds; InvalidInput names `where` it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(f"{where}: is not readable JSON.") from None


def plain(value: t.Any) -> t.Any:
    """The value in Python's own types: those of Ansible are subclasses that know how to be templates."""
    if isinstance(value, t.Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, str) else value
