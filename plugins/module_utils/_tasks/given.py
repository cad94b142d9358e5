# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options as they were given: what Ansible would make of them unasked, and what a result may show. Pure."""

from __future__ import annotations

import re
import typing as t

from .._core.errors import InvalidInput
from .._core.redaction import MASK
from .._core.spec import require_text

Spec = t.Mapping[str, t.Mapping[str, t.Any]]
_TEXT = "takes a text"
_REMEDY = 'Where a template makes a text that looks like one, add "| string".'
_USERINFO = re.compile(r"(?<=://)(?:[^\s/?#]*|[^\s/:?#]+:.*)@", re.DOTALL)
"""What stands before the host of a URL. A password may hold a slash or a blank that nobody has encoded."""


def refuse_wrong_shapes(params: t.Mapping[str, t.Any], spec: Spec) -> None:
    """InvalidInput for a list or dictionary where a text belongs, and for what is no dictionary where one does.

    Ansible makes a text of the former, which would be sent as a password or looked for as a name. Its own check of
    suboptions breaks at the latter. No value is named: it may be a secret.
    """
    if found := _wrong_shapes(params, spec):
        raise InvalidInput(f"{'; '.join(found)}.", remedy=_REMEDY if any(_TEXT in each for each in found) else "")


def _wrong_shapes(params: t.Mapping[str, t.Any], spec: Spec, at: str = "") -> list[str]:
    found = []
    for name, option in spec.items():
        value, place = params.get(name), f"{at}{name}"
        if name == "vm" and isinstance(value, (list, dict)):
            found.append(f"vm: takes one VM{'; give several as vms' if 'vms' in spec else ''}")
        elif "options" in option:
            found += _wrong_suboptions(value, option, place)
        elif option["type"] == "list" and isinstance(value, list):
            for position, each in enumerate(value, 1):
                found += _no_text(each, option.get("elements"), f"{place}, element {position} of {len(value)}")
        else:
            found += _no_text(value, option["type"], place)
    return found


def _wrong_suboptions(value: t.Any, option: t.Mapping[str, t.Any], place: str) -> list[str]:
    """Texts pass: Ansible reads JSON and `key=value` of them, and says itself what it cannot read."""
    if isinstance(value, dict):
        return _wrong_shapes(value, option["options"], f"{place}.")
    if value is None or isinstance(value, str):
        return []
    if option["type"] == "dict":
        return [f"{place}: takes suboptions, not {_kind(value)}"]
    if not isinstance(value, list):
        return [f"{place}: takes a list of suboptions, not {_kind(value)}"]
    element = {**option, "type": "dict"}
    numbered = enumerate(value, 1)
    return [text for position, each in numbered for text in _wrong_suboptions(each, element, f"{place}[{position}]")]


def _no_text(value: t.Any, declared: str | None, place: str) -> list[str]:
    wrong = declared in ("str", "path") and isinstance(value, (list, dict))
    return [f"{place}: {_TEXT}, not {_kind(value)}"] if wrong else []


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "a dictionary"
    return "a list" if isinstance(value, list) else "a number"


def refuse_empty_rivals(params: t.Mapping[str, t.Any], spec: Spec, exclusive: t.Iterable[t.Iterable[str]]) -> None:
    """InvalidInput for an empty text among options that exclude each other: an unanswered field of a survey."""
    for group in exclusive:
        given = [name for name in group if params.get(name) is not None]
        if len(given) > 1:
            for name in given:
                require_text(name, params[name])
    for name, option in spec.items():
        if isinstance(params.get(name), dict) and "mutually_exclusive" in option:
            refuse_empty_rivals(params[name], option.get("options", {}), option["mutually_exclusive"])


def shown(params: t.Mapping[str, t.Any], spec: Spec) -> dict[str, t.Any]:
    """The options as `invocation` may show them.

    The value of an option that does not exist is masked: a misspelt `spf_password` holds a password. So is what stands
    before the host of a URL.
    """
    return {name: _shown(value, spec.get(name)) for name, value in params.items()}


def _shown(value: t.Any, option: t.Mapping[str, t.Any] | None) -> t.Any:
    if option is None:
        return MASK
    if isinstance(value, str):
        return _USERINFO.sub(f"{MASK}@", value)
    if isinstance(value, list):
        return [_shown(each, option) for each in value]
    if isinstance(value, dict):
        return shown(value, option["options"]) if "options" in option else {k: _shown(v, {}) for k, v in value.items()}
    return value
