# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plans show of the fields that a task sets or changes. Pure."""

from __future__ import annotations

import typing as t

from .._providers.compute.fields import region_key

Change = dict[str, t.Any]


def set_fields(fields: t.Mapping[str, t.Any]) -> dict[str, Change]:
    """What the user set of something new."""
    return {name: change(None, spelled(name, value)) for name, value in fields.items() if value is not None}


def spelled(field: str, value: t.Any) -> t.Any:
    """Ids and places in one spelling: an approval knows no other, and the service none either."""
    if field == "location":
        return region_key(value)
    if field in ("source", "source_restore_point"):
        return f"/{value.strip('/')}".lower()
    if field == "encryption_sets":
        return [{**each, "id": each["id"].lower()} for each in value]
    return value


def change(before: t.Any, after: t.Any) -> Change:
    """How a plan shows that a field changes."""
    return {"before": before, "after": after}
