# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole scope of Azure: where its list is, and what the list shows of each VM beside its id. Pure."""

from __future__ import annotations

import typing as t

from .._arm.ids import quote
from .._core.errors import InvalidInput
from .base import Scope


def path_of_scope(scope: Scope, subscription: str | None, kind: str) -> str:
    """The path that lists the resources of a kind, percent-encoded; `subscription` is the connection's."""
    subscription = scope.subscription or subscription
    if subscription is None:
        raise InvalidInput("subscription_id: is needed to list a whole scope (or AZURE_SUBSCRIPTION_ID).")
    within = "" if scope.resource_group is None else f"/resourceGroups/{quote(scope.resource_group)}"
    return f"/subscriptions/{subscription}{within}/providers/{kind}"


def listed(row: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """`tags` and `location` of a row; what is no text there is left out."""
    tags, location = row.get("tags"), row.get("location")
    texts = {key: value for key, value in tags.items() if isinstance(value, str)} if isinstance(tags, dict) else {}
    return {"tags": texts, "location": location if isinstance(location, str) else None}
