# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options as they were given: what of them a result may show. Pure."""

from __future__ import annotations

import re
import typing as t

from .._core.redaction import MASK

Spec = t.Mapping[str, t.Mapping[str, t.Any]]
_USERINFO = re.compile(r"(?<=://)(?:[^\s/?#]*|[^\s/:?#]+:.*)@", re.DOTALL)
"""What stands before the host of a URL. A password may hold a slash or a blank that nobody has encoded."""


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
