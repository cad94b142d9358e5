# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM resource ids: read in any case, refused where they are malformed or would lead to another path."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass

from .._core.errors import BadResponse, InvalidInput
from .._core.spec import is_guid

_INSTANCE = "/providers/microsoft.scvmm/virtualmachineinstances/default"
_SEGMENT = re.compile(r"[\w().-]{1,260}")


@dataclass(frozen=True)
class ArmId:
    """A top-level resource in a resource group. `type` is `Namespace/type` as written."""

    subscription: str
    group: str
    type: str
    name: str

    def __str__(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/{self.type}/{self.name}"

    @property
    def path(self) -> str:
        """The id percent-encoded for a URL."""
        return urllib.parse.quote(str(self))

    @property
    def canonical(self) -> str:
        """In lower case: ARM compares ids without case."""
        return str(self).lower()


def quote(path: str) -> str:
    """A path or id percent-encoded for a URL; BadResponse for dot segments, which lead elsewhere."""
    if any(part and not part.strip(".") for part in path.split("/")):
        raise BadResponse(f"an id was answered that is none: {path}.")
    return urllib.parse.quote(path)


def is_name(value: str) -> bool:
    """Whether it is valid as a resource's name, and so one segment of a path."""
    return bool(_SEGMENT.fullmatch(value)) and bool(value.strip("."))


def is_path(value: str) -> bool:
    """Whether it is the path of a resource: all its segments are names."""
    return value.startswith("/") and all(is_name(segment) for segment in value[1:].split("/"))


def name(value: str, option: str) -> str:
    """A resource's name, or InvalidInput that names the option."""
    if not is_name(value):
        raise InvalidInput(f"{option}: {value[:100]!r} holds characters that Azure does not allow in a name.")
    return value


def parse(reference: str, example: str = "Microsoft.HybridCompute/machines", option: str = "vm") -> ArmId:
    """`/subscriptions/S/resourceGroups/G/providers/NAMESPACE/TYPE/NAME`, optionally with ScVmm's instance after it."""
    trimmed = reference.rstrip("/")
    if trimmed.lower().endswith(_INSTANCE):
        trimmed = trimmed[: -len(_INSTANCE)]
    parts = trimmed.split("/")[1:]
    words = [part.lower() for part in parts]
    for place, word in enumerate(("subscriptions", "", "resourceGroups", "", "providers")):
        if word and words[place : place + 1] not in ([], [word.lower()]):
            raise _malformed(reference, f'"{parts[place][:60]}" stands where {word} belongs', example, option)
    if len(parts) != 8:
        raise _malformed(
            reference, f"it has {len(parts)} parts between its slashes, and 8 belong there", example, option
        )
    if not is_guid(parts[1]):
        raise _malformed(reference, "the subscription is no GUID", example, option)
    if not all(is_name(part) for part in parts):
        raise _malformed(reference, "a name in it holds characters that Azure does not allow", example, option)
    return ArmId(parts[1], parts[3], f"{parts[5]}/{parts[6]}", parts[7])


def _malformed(reference: str, why: str, example: str, option: str) -> InvalidInput:
    if option == "vm" and "microsoft.compute" in reference.lower():
        example = "Microsoft.Compute/virtualMachines"
    return InvalidInput(
        f"malformed ARM id: {why}.",
        subject=f"{option} {reference[:200]}",
        remedy=f"Write /subscriptions/GUID/resourceGroups/GROUP/providers/{example}/NAME.",
    )
