# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure's part of a story: the collections that are there, and what is wished of collections and points themselves."""

from __future__ import annotations

import random
from typing import Any

FOREIGN = "baseline"
NAMES = ("gold", "release")
SERIES = ("nightly",)
RESOURCES = ("restore_point", "restore_point_collection")
NORTH = "northeurope"


def collections(dice: random.Random, vm: str) -> list[dict[str, Any]]:
    """By hand: the one where a VM's checkpoints lie, one beside it, and one in another region for copies of that."""
    found: list[dict[str, Any]] = []
    if dice.random() < 0.4:
        points = [{"name": FOREIGN, "days_old": 5}, {"name": dice.choice((*NAMES, *SERIES)), "days_old": 2}]
        found.append({"name": f"checkpoints-{vm}", "source": vm, "points": points})
    if dice.random() < 0.6:
        points = [{"name": dice.choice(NAMES), "days_old": 4}] if dice.random() < 0.6 else []
        found.append({"name": f"own-{vm}", "source": vm, "points": points, "tags": {"owner": "platform"}})
        if dice.random() < 0.6:
            found.append({"name": f"north-{vm}", "source": f"own-{vm}", "location": NORTH})
    return found


def contrary(dice: random.Random, vm: str, module: str, options: dict[str, Any]) -> dict[str, Any]:
    """What somebody else wishes of the same thing: that it is gone, or there."""
    while True:
        found, other = resource_wish(dice, vm)
        same = all(other.get(name) == options.get(name) for name in ("name", "collection"))
        if found == module and same and (other.get("state") == "absent") != (options.get("state") == "absent"):
            return other


def resource_wish(dice: random.Random, vm: str) -> tuple[str, dict[str, Any]]:
    """What is wished of a collection, a point or a copy. The stage knows the ids."""
    kinds = ("point", "no point", "collection", "no collection", "copies", "no copies", "copy", "no copy")
    kind = dice.choices(kinds, (34, 12, 16, 8, 6, 4, 14, 6))[0]
    absent = {"state": "absent"} if kind.startswith("no ") else {}
    if kind.endswith("point"):
        home = dice.choice((f"own-{vm}", f"own-{vm}", f"checkpoints-{vm}"))
        how = {} if absent else {"consistency": dice.choice(("application", "crash"))}
        return "restore_point", {"name": dice.choice(NAMES), "collection": home, **how, **absent}
    if kind.endswith("copy"):
        name = dice.choice(NAMES)
        what = {} if absent else {"source_restore_point": name}
        return "restore_point", {"name": name, "collection": f"north-{vm}", **what, **absent}
    own = kind.endswith("collection")
    options: dict[str, Any] = {"name": f"own-{vm}" if own else f"north-{vm}", **absent}
    if absent:
        options["force"] = dice.choice((True, True, False))
    else:
        options |= {"source": vm if own else f"own-{vm}", "tags": {"team": dice.choice(("shop", "bank"))}}
        options |= {} if own else {"location": NORTH}
        options["append_tags"] = dice.choice((True, False))
    return "restore_point_collection", options
