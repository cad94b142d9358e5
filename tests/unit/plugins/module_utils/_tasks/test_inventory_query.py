# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs an inventory is about: scopes, filters, and what a cache belongs to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pydantic
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ENVIRONMENT
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.azure_scope import listed, path_of_scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import Scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.inventory import query_of
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.inventory_query import (
    InventoryQuery,
    cache_key,
    refuse_unknown,
    sign_in_key,
)

from ..builders import WEB01

ONE, TWO = "8a1f3c52-6d0b-4d5e-9a77-0c2b1e9d4f10", "9b1f3c52-6d0b-4d5e-9a77-0c2b1e9d4f10"


def test_scopes_are_every_group_of_every_subscription_once() -> None:
    query = query_of(
        {
            "services": ["spf", "compute", "compute", "scvmm"],
            "subscriptions": [ONE, TWO, ONE.upper()],
            "resource_groups": ["a", "A", "b"],
        }
    )
    both = [ONE.upper(), TWO]
    found = [(scope.kind, scope.resource_group, scope.subscription) for scope in query.scopes()]
    azure = [(kind, group, each) for kind in ("compute", "scvmm") for each in both for group in ("A", "b")]
    assert found == [("spf", None, None), *azure]
    assert [query_of({"services": [kind]}).scopes() for kind in ("scvmm", "spf")] == [[Scope("scvmm")], [Scope("spf")]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"services": []}, "services: is empty."),
        ({}, "services: Field required"),
        ({"services": ["hyperv"]}, "services, element 1: takes 'spf', 'scvmm' or 'compute'"),
        ({"services": ["compute"], "subscriptions": []}, "subscriptions: is empty."),
        ({"services": ["compute"], "subscriptions": ["shop"]}, "subscriptions, element 1: is no GUID"),
        ({"services": ["compute"], "resource_groups": ["a/b"]}, "resource_groups, element 1: takes up to 90 letters"),
        ({"services": ["spf"], "include": []}, "include: is empty."),
        ({"services": ["spf"], "exclude": [""]}, "exclude, element 1 of 1: is empty."),
        ({"services": ["compute"], "tags": {}}, "tags: is empty."),
        ({"services": ["compute"], "tags": {"env": ["a"]}}, "tags.env: "),
        ({"services": ["spf"], "resource_groups": ["a"]}, "resource_groups: is Azure's"),
        ({"services": ["spf"], "subscriptions": [ONE]}, "subscriptions: is Azure's"),
        ({"services": ["spf"], "tags": {"env": "a"}}, "tags: is Azure's"),
        ({"services": ["spf"], "fresh_within": "4"}, "fresh_within: '4' has no unit"),
        ({"services": ["spf"], "on_duplicate": "drop"}, "on_duplicate: takes 'suffix' or 'fail'"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        query_of(options)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, True),
        ({"include": ["web*"]}, True),
        ({"include": ["WEB0?", "db*"]}, True),
        ({"include": ["web"]}, False),
        ({"exclude": ["*01"]}, False),
        ({"include": ["web*"], "exclude": ["Web01"]}, False),
        ({"exclude": ["db*"]}, True),
        ({"tags": {"ENV": "prod*"}}, True),
        ({"tags": {"env": "Prod*"}}, False),
        ({"tags": {"env": None}}, True),
        ({"tags": {"env": "prod*", "tier": 1, "critical": True}}, True),
        ({"tags": {"tier": "2"}}, False),
        ({"tags": {"owner": None}}, False),
    ],
)
def test_filters(options: dict[str, Any], kept: bool) -> None:
    vm = replace(WEB01, name="Web01", tags={"Env": "production", "tier": "1", "critical": "true"})
    assert query_of({"services": ["spf", "compute"], **options}).keeps(vm) is kept


def test_a_cache_belongs_to_what_is_read_and_to_who_reads_it() -> None:
    base: dict[str, Any] = {"services": ["spf"], "spf_url": "https://spf", "spf_username": "a", "spf_password": "x"}
    own = cache_key(base, {}, "1000")
    assert own == cache_key({**base, "spf_password": "y", "secret": "z", "fresh_within": "1h"}, {}, "1000")
    others = [
        cache_key({**base, **more}, environ, user)
        for more, environ, user in (
            ({"services": ["compute"]}, {}, "1000"),
            ({"subscriptions": [ONE]}, {}, "1000"),
            ({"resource_groups": ["a"]}, {}, "1000"),
            ({"include": ["a"]}, {}, "1000"),
            ({"exclude": ["a"]}, {}, "1000"),
            ({"tags": {"a": "b"}}, {}, "1000"),
            ({"checkpoints": False}, {}, "1000"),
            ({"spf_username": "b"}, {}, "1000"),
            ({"spf_username": None}, {"SPF_USERNAME": "b"}, "1000"),
            ({"access_token": "t"}, {}, "1000"),
            ({}, {"AZURE_TENANT_ID": "t"}, "1000"),
            ({}, {"KRB5CCNAME": "t"}, "1000"),
            ({}, {"AZURE_CONFIG_DIR": "t"}, "1000"),
            ({"collection": "c"}, {}, "1000"),
            ({}, {}, "1001"),
        )
    ]
    assert len({own, *others}) == len(others) + 1


def test_the_order_of_tags_makes_no_other_cache() -> None:
    first, second = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    assert cache_key({"tags": first}, {}, "1") == cache_key({"tags": second}, {}, "1")


def test_what_is_not_given() -> None:
    assert query_of({"services": ["spf"]}).model_dump() == {
        "services": ["spf"],
        "subscriptions": None,
        "resource_groups": None,
        "include": None,
        "exclude": (),
        "tags": None,
        "checkpoints": True,
        "fresh_within": timedelta(hours=24),
        "on_duplicate": "suffix",
    }


def test_a_query_takes_no_option_that_there_is_not_and_stays_as_it_is() -> None:
    with pytest.raises(InvalidInput, match="nmae"):
        validate_options(InventoryQuery, {"services": ["spf"], "nmae": "x"})
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        query_of({"services": ["spf"]}).checkpoints = False


def test_a_pattern_is_as_long_as_a_thousand() -> None:
    longest = "x" * 1000
    assert query_of({"services": ["spf"], "include": [longest]}).include == [longest]
    with pytest.raises(InvalidInput, match="include, element 1: "):
        query_of({"services": ["spf"], "include": [f"{longest}x"]})


def test_no_password_is_a_part_of_the_caches_name() -> None:
    secrets = {"spf_password", "spf_client_cert_password", "secret", "x509_certificate_password"}
    assert secrets <= set(ENVIRONMENT)
    environ = {variable: "s3cret" for name in secrets for variable in ENVIRONMENT[name]}
    assert cache_key({}, environ, "1") == cache_key({}, {}, "1")


def test_an_option_that_there_is_not_is_refused() -> None:
    refuse_unknown(["plugin", "services"], ["plugin", "services", "tags"])
    with pytest.raises(InvalidInput, match="resource_group, tag: no such option"):
        refuse_unknown(["tag", "services", "resource_group"], ["services"])


def test_where_a_scope_is_listed() -> None:
    assert path_of_scope(Scope("compute"), ONE, "N/t") == f"/subscriptions/{ONE}/providers/N/t"
    whole = path_of_scope(Scope("compute", "r g", TWO), ONE, "N/t")
    assert whole == f"/subscriptions/{TWO}/resourceGroups/r%20g/providers/N/t"
    with pytest.raises(InvalidInput, match="subscription_id: is needed"):
        path_of_scope(Scope("compute"), None, "N/t")


@pytest.mark.parametrize("tags", [None, [], "a", {"a": 1}])
def test_tags_that_are_none(tags: object) -> None:
    assert listed({"tags": tags, "location": 5}) == {"tags": {}, "location": None}


def test_what_a_list_shows_of_a_vm() -> None:
    assert listed({"tags": {"a": "b", "c": None}, "location": "west"}) == {"tags": {"a": "b"}, "location": "west"}


def test_a_sign_in_is_another_one_with_another_password() -> None:
    base = {"spf_username": "u", "spf_password": "x", "include": ["a"]}
    own = sign_in_key(base, {})
    assert own == sign_in_key({**base, "include": ["b"]}, {"UNRELATED": "1"})
    others = [
        sign_in_key({**base, "spf_password": "y"}, {}),
        sign_in_key({**base, "spf_url": "https://other"}, {}),
        sign_in_key(base, {"AZURE_SECRET": "s"}),
        sign_in_key(base, {"KRB5CCNAME": "/tmp/ticket"}),
        sign_in_key(base, {"AZURE_CONFIG_DIR": "/tmp/session"}),
    ]
    assert len({own, *others}) == 6
