# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired state as the user writes it, validated: the first of the two trust boundaries."""

from __future__ import annotations

import re
import typing as t

from .._deps import pydantic
from .errors import InvalidInput
from .fields import MAX_NAME, Duration, OptionsModel, TimeOrDuration, fitting
from .formatting import one_line
from .ownership import split
from .pins import PinRequest
from .selector import Select

MAX_DESCRIPTION = 1500
"""This leaves room for the mark: VMM's own consoles cut descriptions at about two thousand characters."""


_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GROUP = re.compile(r"[\w().-]{0,89}[\w()-]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _name(value: str) -> str:
    if value != value.strip():
        raise ValueError("must not begin or end with white space")
    if not value.isprintable():
        raise ValueError("must not hold control characters")
    return value


def _description(value: str) -> str:
    if not value.replace("\n", "").isprintable():
        raise ValueError("must not hold control characters other than line feeds")
    if split(value)[1] is not None:
        raise ValueError("must not end in a mark of this collection")
    return value


def is_guid(value: str) -> bool:
    """Whether it is a GUID as services write it: with hyphens, without braces."""
    return bool(_GUID.fullmatch(value))


Name = t.Annotated[str, pydantic.Field(min_length=1, max_length=MAX_NAME), pydantic.AfterValidator(_name)]
Description = t.Annotated[str, pydantic.Field(max_length=MAX_DESCRIPTION), pydantic.AfterValidator(_description)]
Guid = t.Annotated[str, fitting(is_guid, "is no GUID")]
ResourceGroup = t.Annotated[
    Name, fitting(_GROUP.fullmatch, "takes up to 90 letters, digits and - _ . ( ), and does not end in a dot")
]
Key = t.Annotated[str, pydantic.Field(min_length=1, max_length=255), pydantic.AfterValidator(_name)]


class Present(OptionsModel):
    """A checkpoint of that name exists; with `max_age`, one that is not older."""

    name: Name | None = None
    checkpoint_id: Name | None = None
    description: Description | None = None
    max_age: Duration | None = None
    supersede: bool = False
    on_ambiguous: t.Literal["fail", "newest", "oldest", "all"] = "fail"
    pin: bool | None = None
    pin_until: TimeOrDuration | None = None
    pin_lock: bool | None = None

    @property
    def pin_request(self) -> PinRequest | None:
        """The pin that is asked for; None where none is, or where it is to be lifted."""
        return PinRequest(self.pin_until) if self.pin else None

    @pydantic.model_validator(mode="after")
    def _together(self) -> t.Self:
        if not self.pin and (self.pin_until is not None or self.pin_lock):
            raise ValueError(f"{'pin_lock' if self.pin_until is None else 'pin_until'} goes with pin: true")
        if self.name is None and self.checkpoint_id is None:
            raise ValueError("name is required for state=present (or checkpoint_id, which never creates)")
        if self.checkpoint_id is not None and (self.max_age is not None or self.supersede):
            raise ValueError("max_age and supersede need a name; checkpoint_id means one checkpoint that exists")
        return self


class Absent(OptionsModel):
    """No checkpoint of that name or id exists, or none that `select` takes."""

    name: Name | None = None
    checkpoint_id: Name | None = None
    select: Select | None = None
    on_ambiguous: t.Literal["fail", "newest", "oldest", "all"] = "fail"
    ignore_pin: bool = False

    @pydantic.model_validator(mode="after")
    def _together(self) -> t.Self:
        if self.name is None and self.checkpoint_id is None and self.select is None:
            raise ValueError("name, checkpoint_id or select is required for state=absent")
        if self.select is not None and self.checkpoint_id is not None:
            raise ValueError("checkpoint_id names one checkpoint; leave out select")
        if self.select is not None and self.select.pinned:
            raise ValueError("select: pinned checkpoints are removed by checkpoint_id only, with ignore_pin")
        if self.select is not None and self.on_ambiguous != "fail":
            raise ValueError("select takes all that match; leave out on_ambiguous")
        if self.ignore_pin and self.checkpoint_id is None:
            raise ValueError("ignore_pin needs checkpoint_id: a pinned checkpoint is removed by its id only")
        return self


class RestoreRequest(OptionsModel):
    """The VM is brought back to a checkpoint."""

    name: Name | None = None
    checkpoint_id: Name | None = None
    select: Select | None = None
    on_ambiguous: t.Literal["fail", "newest", "oldest"] = "fail"
    safety_checkpoint: bool = False
    restore_key: Key | None = None
    if_running: t.Literal["proceed", "stop", "fail"] = "proceed"
    power_after: t.Literal["previous", "on", "off"] = "previous"
    old_disks: t.Literal["keep", "delete"] = "keep"

    @pydantic.model_validator(mode="after")
    def _together(self) -> t.Self:
        if self.checkpoint_id is not None and (self.name is not None or self.select is not None):
            raise ValueError("checkpoint_id names one checkpoint; leave out name and select")
        if self.checkpoint_id is None and self.name is None and self.select is None:
            raise ValueError("say what to restore: name, select or checkpoint_id")
        return self


def terms(spec: RestoreRequest) -> dict[str, t.Any]:
    """What was asked for beside the target, where it is not the default: an approval covers it too."""
    options = ("safety_checkpoint", "if_running", "power_after", "old_disks")
    return {
        name: value for name in options if (value := getattr(spec, name)) not in (False, "proceed", "previous", "keep")
    }


OMIT = 'Leave it out where nothing is meant, such as an unanswered survey field: "{{ value | default(omit, true) }}".'
"""An empty text must never widen what a task touches, so that it is not taken for an option that was not given."""


_OF_OTHERS = ("expected_plan", "tags")
"""Options that may hold empty texts: what they hold is a plan's or Azure's."""

Spec: t.TypeAlias = "Present | Absent | RestoreRequest"
Model = t.TypeVar("Model", bound="pydantic.BaseModel")


def validate_options(
    kind: type[Model], options: t.Mapping[str, t.Any], names: t.Mapping[str, str] | None = None
) -> Model:
    """The options as a `kind`; InvalidInput names each option that is wrong. None means that it was not given.

    An empty text means that only for `description`. `names` maps an option to what the error calls it, such as the
    variable that it came from.
    """
    given = {
        name: value for name, value in options.items() if value is not None and (name, value) != ("description", "")
    }
    for name, value in given.items():
        require_text(name, value)
        if not _is_text(value):
            raise InvalidInput(f"{(names or {}).get(name, name)}: holds characters that are no Unicode text.")
    try:
        return kind.model_validate(given)
    except pydantic.ValidationError as error:
        raise InvalidInput(explain(error, names)) from None


def require_text(option: str, value: object) -> None:
    """InvalidInput for an empty text, also as an element or a suboption; a tag may have an empty value."""
    if value == "":
        raise InvalidInput(f"{option}: is empty.", remedy=OMIT)
    if option in _OF_OTHERS:
        return
    if isinstance(value, (list, tuple)):
        for number, each in enumerate(value, 1):
            require_text(f"{option}, element {number} of {len(value)}", each)
    if isinstance(value, dict):
        for name, each in value.items():
            require_text(f"{option}.{name}", each)


def _is_text(value: object) -> bool:
    """Whether every text in it can be sent: bytes that are not UTF-8 come from the environment as surrogates."""
    if isinstance(value, str):
        return not _SURROGATE.search(value)
    if isinstance(value, dict):
        return all(_is_text(each) for item in value.items() for each in item)
    return all(_is_text(each) for each in value) if isinstance(value, (list, tuple)) else True


def explain(error: pydantic.ValidationError, names: t.Mapping[str, str] | None = None) -> str:
    """Each wrong field and the reason, on one line, without values, for a value may be a secret."""
    parts = []
    for item in error.errors():
        where = "".join(_place(step) for step in item["loc"] if not str(step).startswith("function-")).lstrip(".")
        where = (names or {}).get(where, where)
        reason = _reason(item["type"], item["msg"], item.get("ctx", {}))
        parts.append(f"{where}: {reason}" if where else reason)
    return one_line("; ".join(parts))


def _place(step: str | int) -> str:
    return f", element {step + 1}" if isinstance(step, int) else f".{step}"


def _reason(kind: str, message: str, context: t.Mapping[str, t.Any]) -> str:
    """pydantic's message where users understand it, otherwise ours."""
    ours = {
        "string_too_short": "must not be empty",
        "string_too_long": f"is longer than {context.get('max_length')} characters",
        "bool_parsing": "takes true or false",
        "bool_type": "takes true or false",
        "literal_error": f"takes {context.get('expected')}",
    }
    return ours.get(kind, message.removeprefix("Value error, "))
