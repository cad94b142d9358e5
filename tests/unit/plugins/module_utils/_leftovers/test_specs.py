# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disks are to go, as the user writes it: what is no key of it is refused, and what was read stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._deps import pydantic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.specs import LeftoverSpec


@pytest.mark.parametrize(
    ("key", "given", "said"),
    [("id", "o", "Extra inputs are not permitted"), ("state", "present", "Input should be 'absent'")],
)
def test_what_is_no_key_or_state_of_it_is_refused(key: str, given: str, said: str) -> None:
    options: dict[str, Any] = {"state": "absent", "ids": [], key: given}
    with pytest.raises(pydantic.ValidationError) as raised:
        LeftoverSpec.model_validate(options)
    assert [(each["loc"], each["msg"]) for each in raised.value.errors()] == [((key,), said)]


def test_what_was_read_stays_as_it_is() -> None:
    spec = LeftoverSpec(state="absent", ids=[])
    with pytest.raises(pydantic.ValidationError, match="Instance is frozen"):
        spec.ids = ["another"]
