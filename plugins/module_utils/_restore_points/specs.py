# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user asked for of a restore point collection or a restore point, checked at the door."""

from __future__ import annotations

import re
import typing as t

from .._arm.ids import ArmId, name, parse
from .._core.errors import InvalidInput
from .._core.fields import OptionsModel, fitting
from .._core.spec import ResourceGroup, is_guid
from .._deps import pydantic
from .._providers.compute.fields import VIEWED

VMS = "Microsoft.Compute/virtualMachines"
COLLECTIONS = "Microsoft.Compute/restorePointCollections"
DISKS = "Microsoft.Compute/disks"
KEYS = "Microsoft.Compute/diskEncryptionSets"
POINTS = "2021-03-01"
"""The first api-version with restore points."""
COPIES = VIEWED
INSTANT_ACCESS = "2025-04-01"
"""The first api-version with instant access (swagger)."""
ENCRYPTION = "2023-03-01"
CRASH = "2021-07-01"
"""As documented for crash consistent points; models have it as input since 2022-03-01."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


def _tags(value: object) -> object:
    """Tag names are one in any case, their values are text: YAML makes numbers and truths of what is not in quotes."""
    if not isinstance(value, dict):
        return value
    seen: dict[str, str] = {}
    for tag, text in value.items():
        if not isinstance(text, str):
            raise ValueError(f"{tag} takes text; write its value in quotes")
        if str(tag).lower() in seen:
            raise ValueError(f"{seen[str(tag).lower()]} and {tag} are one name to Azure; keep one")
        seen[str(tag).lower()] = str(tag)
    return value


Named = t.Annotated[
    str, fitting(_NAME.fullmatch, "takes letters, digits and _ . -, beginning with a letter or digit, at most 80")
]
Subscription = t.Annotated[str, fitting(is_guid, "is no subscription's id; write its GUID")]


class CollectionSpec(OptionsModel):
    """A collection is present or absent."""

    name: Named
    resource_group: ResourceGroup
    state: t.Literal["present", "absent"] = "present"
    source: str | None = None
    location: str | None = None
    tags: t.Annotated[t.Optional[dict[str, str]], pydantic.BeforeValidator(_tags)] = None
    append_tags: bool = True
    instant_access: bool | None = None
    force: bool = False

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be present."""
        return self.state == "present"


class EncryptionSet(OptionsModel):
    """Which disk encryption set a disk of the point is encrypted with."""

    disk: str
    id: str
    type: t.Literal["EncryptionAtRestWithCustomerKey", "EncryptionAtRestWithPlatformAndCustomerKeys"] = (
        "EncryptionAtRestWithCustomerKey"
    )


class PointSpec(OptionsModel):
    """A restore point is present or absent."""

    name: Named
    collection: str
    resource_group: ResourceGroup | None = None
    state: t.Literal["present", "absent"] = "present"
    consistency: t.Literal["application", "crash"] = "application"
    on_downgrade: t.Literal["fail", "warn"] = "warn"
    exclude_disks: list[str] | None = None
    source_restore_point: str | None = None
    instant_access_duration: int | None = None
    encryption_sets: list[EncryptionSet] | None = None
    ignore_pin: bool = False

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be present."""
        return self.state == "present"

    @pydantic.model_validator(mode="after")
    def _together(self) -> t.Self:
        if self.ignore_pin and self.is_wanted:
            raise ValueError("ignore_pin goes with state=absent only")
        of_a_vm = self.exclude_disks or self.instant_access_duration or self.encryption_sets
        if self.source_restore_point is not None and of_a_vm:
            raise ValueError(
                "a copy (source_restore_point) takes no exclude_disks, instant_access_duration and encryption_sets"
            )
        if self.instant_access_duration is not None and self.consistency == "crash":
            raise ValueError("instant_access_duration goes with consistency=application only")
        if self.instant_access_duration is not None and not 60 <= self.instant_access_duration <= 300:
            raise ValueError("instant_access_duration takes 60 to 300 minutes")
        if not self.collection.startswith("/") and self.resource_group is None:
            raise ValueError("resource_group is needed unless collection is an ARM id")
        return self


class CollectionQuery(OptionsModel):
    """Which collections `restore_point_collection_info` shows."""

    name: Named | None = None
    resource_group: ResourceGroup | None = None
    subscriptions: list[Subscription] | None = None
    source: str | None = None
    points: bool = True
    instance_view: bool = False
    disk_restore_points: bool = False
    on_error: t.Literal["continue", "stop", "report"] = "continue"

    @pydantic.model_validator(mode="after")
    def _together(self) -> t.Self:
        if self.name is not None and self.resource_group is None:
            raise ValueError("resource_group is needed with name")
        if self.subscriptions == []:
            raise ValueError("subscriptions is an empty list; name one, or leave it out for subscription_id")
        if self.subscriptions is not None and self.resource_group is not None:
            raise ValueError("subscriptions means whole ones; leave out resource_group")
        if not self.points and (self.instance_view or self.disk_restore_points):
            raise ValueError(
                "points is false, so instance_view and disk_restore_points would show nothing; leave one out"
            )
        return self


def collection_id(subscription: str | None, group: str | None, collection: str) -> ArmId:
    """The id of a collection that is given by name or id; both ways must mean the same resource group."""
    if collection.startswith("/"):
        found = _of_kind(collection, "collection", COLLECTIONS)
        if group is not None and group.lower() != found.group.lower():
            raise InvalidInput(
                f"resource_group: is {group}, and collection lies in {found.group}.", remedy="Leave resource_group out."
            )
        return found
    if subscription is None:
        raise InvalidInput("subscription_id: is needed (or AZURE_SUBSCRIPTION_ID).")
    return ArmId(subscription, group or "", COLLECTIONS, name(collection, "collection"))


def source_of(given: str) -> ArmId:
    """The id of what a collection is made for: a VM, or for copies another collection."""
    if given and "/" not in given:
        home = "/subscriptions/GUID/resourceGroups/GROUP/providers"
        raise InvalidInput(
            f"source: {given[:100]!r} is a name, and an ARM id is needed.",
            remedy=f"Write {home}/{VMS}/NAME, or for copies {home}/{COLLECTIONS}/NAME.",
        )
    return _of_kind(f"/{given.lstrip('/')}", "source", VMS, COLLECTIONS)


def disk_id(given: str, option: str = "exclude_disks") -> str:
    """The id of a managed disk that an option names."""
    return _of_kind(given, option, DISKS).canonical


def source_point(given: str, collection: str) -> str:
    """The id of the point to copy, given by its name in the source collection or by id."""
    if not given.startswith("/"):
        return f"/{collection.strip('/')}/restorePoints/{name(given, 'source_restore_point')}"
    parts = given.rstrip("/").rsplit("/", 2)
    if len(parts) != 3 or parts[1].lower() != "restorepoints":
        raise InvalidInput(
            f"source_restore_point: {given[:200]} is no id of a restore point.",
            remedy=f"Write /subscriptions/GUID/resourceGroups/GROUP/providers/{COLLECTIONS}/NAME/restorePoints/NAME, "
            "or its name alone.",
        )
    home = _of_kind(parts[0], "source_restore_point", COLLECTIONS)
    return f"{home}/restorePoints/{name(parts[2], 'source_restore_point')}"


def _of_kind(given: str, option: str, *kinds: str) -> ArmId:
    found = parse(given, kinds[0], option)
    if found.type.lower() not in [kind.lower() for kind in kinds]:
        raise InvalidInput(
            f"{option}: is the id of one of {found.type}.", remedy=f"Give the id of one of {' or '.join(kinds)}."
        )
    return found


def require_collection_api(spec: CollectionSpec, api_version: str) -> None:
    """What is wrong whatever exists: malformed ids, and features that the api-version in use does not have."""
    require_api(api_version, POINTS, "restore_point_collection")
    if spec.source is not None and not is_vm(source_of(spec.source)):
        require_api(api_version, COPIES, "source (of copies)")
    if spec.instant_access is not None and spec.is_wanted:
        require_api(api_version, INSTANT_ACCESS, "instant_access")


def require_query_api(query: CollectionQuery, api_version: str) -> None:
    """The same for what is only read."""
    require_api(api_version, POINTS, "restore_point_collection_info")
    if query.instance_view:
        require_api(api_version, VIEWED, "instance_view")


def require_point_api(spec: PointSpec, api_version: str) -> None:
    """The same for a restore point."""
    require_api(api_version, POINTS, "restore_point")
    if spec.source_restore_point is not None:
        source_point(spec.source_restore_point, "")
        require_api(api_version, COPIES, "source_restore_point")
    if spec.instant_access_duration is not None:
        require_api(api_version, INSTANT_ACCESS, "instant_access_duration")
    for each in spec.encryption_sets or []:
        _of_kind(each.id, "encryption_sets", KEYS)
        require_api(api_version, ENCRYPTION, "encryption_sets")
    if spec.consistency == "crash":
        require_api(api_version, CRASH, "consistency")


def require_api(api_version: str, first: str, option: str) -> None:
    """InvalidInput where the api-version in use is older than the option's feature."""
    if api_version < first:
        raise InvalidInput(
            f"{option}: needs compute_api_version {first} or newer, and {api_version} is in use.",
            remedy=f"Set compute_api_version: {first}.",
        )


def is_vm(source: ArmId) -> bool:
    """Whether what a collection is made for is a VM; else it is a collection, whose points are copied."""
    return source.type.lower() == VMS.lower()
