# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure's part of a story: the collections that are there, and what is asked of collections and points themselves."""

from __future__ import annotations

import random
from typing import Any

FOREIGN = "baseline"
NAMES = ("gold", "release")
SERIES = ("nightly",)
RESOURCES = ("restore_point", "restore_point_collection")
NORTH = "northeurope"


def planted_collections(rng: random.Random, vm: str) -> list[dict[str, Any]]:
    """By hand: the one where a VM's checkpoints lie, one beside it, and one in another region for copies of that."""
    found: list[dict[str, Any]] = []
    if rng.random() < 0.4:
        points = [{"name": FOREIGN, "days_old": 5}, {"name": rng.choice((*NAMES, *SERIES)), "days_old": 2}]
        found.append({"name": f"checkpoints-{vm}", "source": vm, "points": points})
    if rng.random() < 0.7:
        some = rng.sample(NAMES, k=rng.choice((0, 1, 1, 2)))
        points = [{"name": name, "days_old": 4} for name in some]
        found.append({"name": f"own-{vm}", "source": vm, "points": points, "tags": {"owner": "platform"}})
        if rng.random() < 0.7:
            found.append({"name": f"north-{vm}", "source": f"own-{vm}", "location": NORTH})
    return found


def contrary(
    rng: random.Random, vm: str, planted: list[dict[str, Any]], module: str, options: dict[str, Any]
) -> dict[str, Any]:
    """What somebody else asks of the same thing: that it is gone, or there."""
    while True:
        found, other = resource_task(rng, vm, planted)
        same = all(other.get(name) == options.get(name) for name in ("name", "collection"))
        if found == module and same and (other.get("state") == "absent") != (options.get("state") == "absent"):
            return other


def resource_task(rng: random.Random, vm: str, planted: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """What is asked of a collection, a point or a copy, mostly of what there is. The player knows the ids."""
    there = {each["name"]: [point["name"] for point in each.get("points", [])] for each in planted}
    own, north, daring = f"own-{vm}", f"north-{vm}", rng.random() < 0.2
    kinds = ("collection", "no collection", "copies", "no copies", "point", "no point", "copy", "no copy")
    known = (1, 1, 1, 1, own in there, own in there, north in there, north in there)
    chances = [
        chance * (1.0 if daring else usual) for chance, usual in zip((16, 6, 6, 4, 30, 12, 20, 6), known, strict=True)
    ]
    kind = rng.choices(kinds, chances)[0]
    absent = {"state": "absent"} if kind.startswith("no ") else {}
    if kind.endswith("point"):
        home = rng.choice((own, own, f"checkpoints-{vm}" if daring or f"checkpoints-{vm}" in there else own))
        how = {} if absent else {"consistency": rng.choice(("application", "crash"))}
        return "restore_point", {"name": rng.choice(NAMES), "collection": home, **how, **absent}
    if kind.endswith("copy"):
        name = rng.choice(NAMES if daring or not there.get(own) else there[own])
        what = {} if absent else {"source_restore_point": name}
        return "restore_point", {"name": name, "collection": north, **what, **absent}
    of_vm = kind.endswith("collection")
    options: dict[str, Any] = {"name": own if of_vm else north, **absent}
    if absent:
        options["force"] = rng.choice((True, True, False))
    else:
        options |= {"source": vm if of_vm else own, "tags": {"team": rng.choice(("shop", "bank"))}}
        options |= {} if of_vm else {"location": NORTH}
        options["append_tags"] = rng.choice((True, False))
    return "restore_point_collection", options
