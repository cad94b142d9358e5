# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""World documents, held against what docs/simulator.md says of them: a wrong one is reported with path and reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any

from simulator.azure.model import Attachment, AzureVm, Collection, Disk, Lock, Point

Check = Callable[[Any, str], None]

POWERS = ("Running", "PowerOff", "Paused", "Saved", "Stored")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


class WrongDocument(ValueError):
    """What is wrong with a world document, and where in it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path or 'the document'}: {reason}")


def check_world(document: object) -> None:
    """WrongDocument for the first thing in `document` that no world can be made of."""
    WORLD(document, "")
    given: dict[str, Any] = document if isinstance(document, dict) else {}
    for position, each in enumerate(given.get("scvmm", {}).get("machines", [])):
        if not {"name", "resource_uri"} & each.keys():
            raise WrongDocument(f"scvmm.machines[{position}]", "has neither name nor resource_uri")
    compute = given.get("compute", {})
    known = {str(vm["name"]).lower() for vm in compute.get("vms", [])}
    for position, each in enumerate(compute.get("collections", [])):
        source = each["source"]
        if not source.startswith("/") and source.lower() not in known:
            raise WrongDocument(
                f"compute.collections[{position}].source",
                f"{source!r} is no VM of compute.vms, no collection before this one, and no id",
            )
        known.add(str(each["name"]).lower())


def check_vm(document: object) -> None:
    """The same for one VM of SPF or Arc, as the control API adds them."""
    holding("name", **VM)(document, "")


def text(value: Any, path: str) -> None:
    if not isinstance(value, str):
        raise WrongDocument(path, f"is {_kind(value)}, and takes text")


def name(value: Any, path: str) -> None:
    text(value, path)
    if not value:
        raise WrongDocument(path, "is empty")


def number(value: Any, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongDocument(path, f"is {_kind(value)}, and takes a number")


def flag(value: Any, path: str) -> None:
    if not isinstance(value, bool):
        raise WrongDocument(path, f"is {_kind(value)}, and takes true or false")


def guid(value: Any, path: str) -> None:
    text(value, path)
    if not _GUID.fullmatch(value):
        raise WrongDocument(path, f"{value!r} is no GUID")


def moment(value: Any, path: str) -> None:
    text(value, path)
    try:
        known = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise WrongDocument(path, f"{value!r} is no time with an offset, such as 2026-11-20T08:00:00+00:00")


def anything(value: Any, path: str) -> None:
    """What the simulator keeps and does not look into."""


def one_of(*choices: str) -> Check:
    def check(value: Any, path: str) -> None:
        if value not in choices:
            raise WrongDocument(path, f"takes {', '.join(choices[:-1])} or {choices[-1]}, not {value!r}")

    return check


def maybe(inner: Check) -> Check:
    """null as well."""

    def check(value: Any, path: str) -> None:
        if value is not None:
            inner(value, path)

    return check


def many(inner: Check) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise WrongDocument(path, f"is {_kind(value)}, and takes a list")
        for position, each in enumerate(value):
            inner(each, f"{path}[{position}]")

    return check


def table(inner: Check) -> Check:
    """An object whose keys are the document's own: files by path, tags by name."""

    def check(value: Any, path: str) -> None:
        for key, each in _members(value, path).items():
            inner(each, f"{path}[{key!r}]")

    return check


def holding(*required: str, **members: Check) -> Check:
    """An object of these members and no others, of which `required` must be there."""

    def check(value: Any, path: str) -> None:
        given = _members(value, path)
        for key in required:
            if key not in given:
                raise WrongDocument(path, f"has no {key}")
        for key, each in given.items():
            if key not in members:
                raise WrongDocument(path, f"has no member {key!r}; there are: {', '.join(sorted(members))}")
            members[key](each, f"{path}.{key}" if path else key)

    return check


def _members(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongDocument(path, f"is {_kind(value)}, and takes an object")
    return value


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", str: "text", list: "a list", dict: "an object", int: "a number", float: "a number"}
    return "null" if value is None else kinds[type(value)]


def _kept(kind: type) -> dict[str, Check]:
    """The members that a dump shows and nobody need write."""
    return {each.name: anything for each in fields(kind)}


FILES = table(text)
AGE: dict[str, Check] = {"added": moment, "days_old": number, "age_seconds": number}
HARDWARE: dict[str, Check] = {
    "cpu_count": number,
    "memory_mb": number,
    "nics": many(
        holding(
            id=guid,
            mac=text,
            name=maybe(text),
            display_name=text,
            network=maybe(name),
            network_name=maybe(text),
            settings=table(text),
        )
    ),
}
CHECKPOINT: dict[str, Check] = {
    "name": maybe(text),
    "description": maybe(text),
    **AGE,
    "files": FILES,
    "hardware": holding(**HARDWARE),
    "parent": maybe(text),
    "power": one_of(*POWERS),
    "checkpoint_type": name,
    "enabled": flag,
    "made": flag,
    "host_id_known": flag,
    "in_database": flag,
    "id": guid,
    "checkpoint_id": maybe(guid),
}
VM: dict[str, Check] = {
    "name": name,
    "description": text,
    **AGE,
    "files": FILES,
    "power": one_of(*POWERS),
    "status": maybe(name),
    "checkpoint_type": name,
    "checkpoints": many(holding(**CHECKPOINT)),
    "pointer": maybe(guid),
    "stands_on": maybe(guid),
    "owner": text,
    "id": guid,
    "vm_id": guid,
    "resource_uri": maybe(name),
    "instance": maybe(table(anything)),
    **HARDWARE,
}
CREDENTIALS = dict.fromkeys(("spf_username", "spf_password", "spf_token", "tenant", "client_id", "secret"), name)
SPF: dict[str, Check] = {
    "subscription_id": guid,
    "stamp_id": guid,
    "cloud_id": guid,
    "vms": many(holding("name", **VM)),
}
SCVMM: dict[str, Check] = {
    "subscription_id": guid,
    "resource_group": name,
    "location": name,
    "vms": many(holding("name", **VM)),
    "machines": many(holding(name=name, resource_uri=name, kind=maybe(text))),
}
DISK = {
    **_kept(Disk),
    **_kept(Attachment),
    "name": name,
    "resource_group": maybe(name),
    "size_gb": number,
    "files": FILES,
    "kind": one_of("managed", "unmanaged", "ephemeral"),
    "sku": name,
    "properties": table(anything),
    "ade": one_of("vm", "disk"),
    "max_shares": number,
    "write_accelerator": flag,
    "tags": table(text),
}
AZURE_VM = holding(
    "name",
    **{
        **_kept(AzureVm),
        "name": name,
        "resource_group": maybe(name),
        "days_old": number,
        "os_disk": holding(**DISK),
        "data_disks": many(holding("lun", **{**DISK, "lun": number})),
        "power": one_of("running", "stopped", "deallocated"),
        "tags": table(text),
        "properties": maybe(table(anything)),
    },
)
COLLECTION = holding(
    "name",
    "source",
    **{
        **_kept(Collection),
        "name": name,
        "resource_group": maybe(name),
        "source": name,
        "tags": table(text),
        "points": many(
            holding("name", **{**_kept(Point), "name": name, "days_old": number, "files": table(FILES)}),
        ),
    },
)
WORLD = holding(
    credentials=holding(**CREDENTIALS),
    spf=holding(**SPF),
    scvmm=holding(**SCVMM),
    compute=holding(
        resource_group=name,
        location=name,
        locations=many(name),
        resource_groups=many(holding("name", name=name, location=name)),
        vms=many(AZURE_VM),
        disks=many(holding("name", **DISK)),
        collections=many(COLLECTION),
        locks=many(holding(**{**_kept(Lock), "level": one_of("CanNotDelete", "ReadOnly")})),
    ),
)
