# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From VMs as they were read to an inventory's hosts: their names, variables and groups. Pure.

A row is what is kept of a VM, also in a cache: JSON, without secrets. Names, tags and descriptions of VMs are chosen by
whoever may create or tag one, so that they are never taken as they are where Ansible gives a text a meaning.
"""

from __future__ import annotations

import hashlib
import typing as t
from datetime import datetime, timedelta

from .._arm.ids import parse
from .._core.errors import CheckpointError, InvalidInput
from .._core.formatting import printable
from .._core.model import Checkpoint, ObservedVm
from .._core.targets import VM
from .._core.times import format_time, parse_time

VERSION = 2
"""Of what a cache holds; another one is read anew."""
NOT_FRESH, NOT_USABLE = "no_fresh_checkpoint", "no_usable_checkpoint"
REFUSED, UNREADABLE = "checkpoints_refused", "checkpoints_unreadable"
GROUPS = (NOT_FRESH, NOT_USABLE, REFUSED, UNREADABLE)
RESERVED = frozenset({"localhost", "127.0.0.1", "all", "ungrouped", *GROUPS})
"""No VM is called so, in any case: it would take the place of the controller, or of a group."""
LONGEST = 200
"""Characters of a host's name; fact caches make a file's name of it."""
_SHOWN = 5
_DIGITS, _MOST_DIGITS = 8, 64
_ROUNDS = 5
"""A host that is called otherwise may make other groups, as often as that is tried."""
_OF_NEWEST = ("newest", "newest_id", "newest_created", "newest_age_seconds")

Row = dict[str, t.Any]


def row(vm: VM, actual: ObservedVm | None, error: CheckpointError | None) -> Row:
    """What is kept of one VM: `actual` is None where it was not read, and `error` says why it could not be."""
    arm_id = parse(vm.id) if vm.id.startswith("/") else None
    return {
        "vm": vm.reference,
        "name": vm.name,
        "vm_id": vm.id,
        "host_id": vm.host_id,
        "provider": vm.provider,
        "subscription_id": None if arm_id is None else arm_id.subscription,
        "resource_group": None if arm_id is None else arm_id.group,
        "location": vm.location,
        "tags": dict(vm.tags),
        "status": "failed" if error is not None else "not_read" if actual is None else "read",
        "error": None if error is None else {"code": error.code, "message": str(error)},
        "power": None if actual is None else actual.power,
        "refuses": None if actual is None else actual.refuses,
        **_counts(actual),
    }


def _counts(actual: ObservedVm | None) -> Row:
    if actual is None:
        return dict.fromkeys(("count", "usable_count", *_OF_NEWEST))
    usable = [each for each in actual.checkpoints if each.usable and not each.of_another]
    newest = _newest(actual, usable)
    return {"count": len(actual.checkpoints), "usable_count": len(usable), **newest}


def _newest(actual: ObservedVm, usable: t.Sequence[Checkpoint]) -> Row:
    """The youngest of those whose age is known, and its age."""
    aged = [(age, each) for each in usable if (age := actual.age(each)) is not None]
    if not aged:
        return dict.fromkeys(_OF_NEWEST)
    age, newest = min(aged, key=lambda each: each[0])
    created = format_time(t.cast(datetime, newest.created))  # else nobody knew its age
    shown = (newest.name, newest.id, created, max(0, int(age)))
    return dict(zip(_OF_NEWEST, shown, strict=True))


def kept(rows: t.Sequence[Row], now: datetime) -> dict[str, t.Any]:
    """What a cache holds."""
    return {"version": VERSION, "read_at": format_time(now), "rows": list(rows)}


def still_good(held: t.Any, now: datetime) -> tuple[list[Row], float] | None:
    """The rows of a cache and the seconds since they were read; None for what another release has kept."""
    if not isinstance(held, dict) or held.get("version") != VERSION:
        return None
    return list(held["rows"]), max(0.0, (now - parse_time(held["read_at"])).total_seconds())


def variables(each: Row, elapsed: float) -> dict[str, t.Any]:
    """A host's variables. Every boolean is one; ages have grown by what has `elapsed` since the VM was read."""
    age = each["newest_age_seconds"]
    return {
        "checkpoint_vm": each["vm"],
        "checkpoint_vm_name": each["name"],
        "checkpoint_vm_id": each["vm_id"],
        "checkpoint_host_id": each["host_id"],
        "checkpoint_service": each["provider"],
        "checkpoint_subscription_id": each["subscription_id"],
        "checkpoint_resource_group": each["resource_group"],
        "checkpoint_location": each["location"],
        "checkpoint_tags": each["tags"],
        "checkpoint_readable": each["status"] == "read",
        "checkpoint_status": each["status"],
        "checkpoint_error": each["error"],
        "checkpoint_power": each["power"],
        "checkpoint_refused": each["refuses"],
        "checkpoint_count": each["count"],
        "checkpoint_usable_count": each["usable_count"],
        "checkpoint_newest": each["newest"],
        "checkpoint_newest_id": each["newest_id"],
        "checkpoint_newest_created": each["newest_created"],
        "checkpoint_newest_age_seconds": None if age is None else age + int(elapsed),
    }


def groups(shown: t.Mapping[str, t.Any], fresh_within: timedelta) -> list[str]:
    """The plugin's own groups that a host is in. Of a VM that was not asked for its checkpoints nothing is said."""
    if shown["checkpoint_status"] == "not_read":
        return []
    age = shown["checkpoint_newest_age_seconds"]
    held = {
        NOT_FRESH: age is None or age > fresh_within.total_seconds(),
        NOT_USABLE: shown["checkpoint_readable"] and not shown["checkpoint_usable_count"],
        REFUSED: shown["checkpoint_refused"] is not None,
        UNREADABLE: not shown["checkpoint_readable"],
    }
    return [group for group, is_in in held.items() if is_in]


def safe_name(text: str) -> str:
    """A text as a host's name: letters, digits and - _ . alone, because others mean something in a pattern of hosts, a
    template or a path.
    """
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in text[:LONGEST])
    return f"_{name[1:]}" if name[:1] in ("", ".", "-") else name


def unique_names(wanted: t.Sequence[str], rows: t.Sequence[Row], taken: t.Collection[str] = ()) -> list[str]:
    """The hosts' names, each once, and none that is `taken`. Of several VMs with one name none keeps it: each has its
    service and a part of a digest of its id behind it, which stay the same whatever else there is.
    """
    names = list(wanted)
    digits = _DIGITS
    while clashes := _clashes(names, taken):
        if digits > _MOST_DIGITS:
            raise _like_a_group(names[clashes[0]])
        for place in clashes:
            names[place] = f"{wanted[place]}_{_suffix(rows[place], digits)}"
        digits *= 2
    return names


def _clashes(names: t.Sequence[str], taken: t.Collection[str]) -> list[int]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return [
        place for name, of in places.items() if len(of) > 1 or name.lower() in RESERVED or name in taken for place in of
    ]


def _like_a_group(name: str) -> InvalidInput:
    return InvalidInput(
        f"groups are made of the hosts' names: a VM would be called {name}, as a group is, and so would its next name.",
        remedy="Give the entries of keyed_groups a prefix, or make their keys of checkpoint_vm_name.",
    )


def _suffix(each: Row, digits: int) -> str:
    identity = f"{each['provider']} {each['vm_id'].lower()}"
    return f"{each['provider']}_{hashlib.sha256(identity.encode()).hexdigest()[:digits]}"


def name_apart_from_groups(
    texts: t.Sequence[str],
    rows: t.Sequence[Row],
    on_duplicate: str,
    groups_of: t.Callable[[list[str]], t.Collection[str]],
) -> tuple[list[str], list[str]]:
    """As name_hosts, and no host is called as a group: Ansible would take the group, with all that are in it.

    `groups_of` tells all groups that there are with the hosts under these names; they may depend on the names.
    """
    taken: set[str] = set()
    clashing: list[str] = []
    for _round in range(_ROUNDS):
        names, warnings = name_hosts(texts, rows, on_duplicate, taken)
        there = set(groups_of(names))
        clashing = [name for name in names if name in there]
        if not clashing:
            return names, warnings
        taken |= there
    raise _like_a_group(clashing[0])


def name_hosts(
    texts: t.Sequence[str], rows: t.Sequence[Row], on_duplicate: str, taken: t.Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """The hosts' names, each once, from what they are to be called, and a warning for each name that was not given.

    None is `taken`. InvalidInput where several VMs would have one and `on_duplicate` is `fail`.
    """
    wanted = [safe_name(text) for text in texts]
    if on_duplicate == "fail":
        _refuse_duplicates(wanted, rows)
    names = unique_names(wanted, rows, taken)
    shown: dict[str, list[str]] = {}
    for name, given, each in zip(wanted, names, rows, strict=True):
        if given != name:
            shown.setdefault(name, []).append(f"{given} ({printable(each['vm'], 300)})")
    return names, [_renamed(name, hosts) for name, hosts in shown.items()]


def _renamed(name: str, hosts: t.Sequence[str]) -> str:
    several = f"{len(hosts)} VMs would be called {name}, and are" if len(hosts) > 1 else f"a VM called {name} is"
    return f"{several} {_first(hosts)}."


def _first(texts: t.Sequence[str]) -> str:
    return ", ".join([*texts[:_SHOWN], *(["…"] if len(texts) > _SHOWN else [])])


def _refuse_duplicates(wanted: t.Sequence[str], rows: t.Sequence[Row]) -> None:
    """InvalidInput that lists the VMs of the first name that several have."""
    of: dict[str, list[str]] = {}
    for name, each in zip(wanted, rows, strict=True):
        of.setdefault(name, []).append(printable(each["vm"], 300))
    for name, vms in of.items():
        if len(vms) > 1:
            raise InvalidInput(
                f"{len(vms)} VMs would be called {name}: {_first(vms)}.",
                remedy="Name them by another hostname, leave some out, or set on_duplicate: suffix.",
            )
