# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that modules share agree with the settings they become."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ENVIRONMENT
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.times import parse_duration
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.run_options import RunOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.argument_specs import (
    CHANGES,
    CONNECTION,
    DEADLINE,
    MANY,
    VMS,
)

SECRET = {
    "spf_password",
    "spf_token",
    "spf_client_cert_password",
    "secret",
    "access_token",
    "x509_certificate_password",
}


def test_every_connection_option_has_an_environment_fallback() -> None:
    assert set(CONNECTION) == set(ENVIRONMENT)


def test_no_connection_option_has_a_default_or_is_required_for_the_environment_may_give_it() -> None:
    assert not [name for name, option in CONNECTION.items() if {"default", "required"} & set(option)]


@pytest.mark.parametrize("name", sorted(CONNECTION))
def test_secrets_and_only_secrets_are_hidden(name: str) -> None:
    assert CONNECTION[name].get("no_log", False) is (name in SECRET)


def test_no_two_groups_share_a_name() -> None:
    groups = (CONNECTION, VMS, MANY, DEADLINE, CHANGES)
    assert len({name for group in groups for name in group}) == sum(map(len, groups))


def test_every_default_duration_can_be_read() -> None:
    for name in ("wait_timeout", "poll_interval", "settle_time"):
        assert parse_duration((DEADLINE | CHANGES)[name]["default"])


def test_every_default_of_a_run_is_the_cores() -> None:
    """A module that fills in another default than the core's has taken the core's away."""
    defaults = {name: option["default"] for name, option in (VMS | DEADLINE | CHANGES).items() if "default" in option}
    assert set(defaults) <= set(RunOptions.model_fields)
    assert RunOptions.of(defaults) == RunOptions.of({})
