# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links to the next page: what services really send is made sendable, and nothing leads elsewhere."""

from __future__ import annotations

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.links import below_root, resolved, sendable

ROOT = "https://spf.test:8090/SC2012R2/VMM/tenant/Microsoft.Management.Odata.svc"


@pytest.mark.parametrize(
    ("link", "sent"),
    [
        ("https://h/a?$skiptoken=x y", "https://h/a?$skiptoken=x%20y"),
        ('https://h/a?t="g"', "https://h/a?t=%22g%22"),
        ("https://h/gr\u00fcn?t=\u00e9", "https://h/gr%C3%BCn?t=%C3%A9"),
        ("https://h/a%20b?t=%7Bx%7d", "https://h/a%20b?t=%7Bx%7d"),
        ("https://h/a?t=100%", "https://h/a?t=100%25"),
        ("https://h/a?t={x}|y\\z^`", "https://h/a?t=%7Bx%7D%7Cy%5Cz%5E%60"),
        ("https://h:443/a", "https://h/a"),
        ("HTTPS://H:443?x", "https://h?x"),
        ("http://h:80/a", "http://h/a"),
        ("https://h:80/a", "https://h:80/a"),
        ("https://h:4430/a", "https://h:4430/a"),
        ("https://h/a?next=https://h:443/b", "https://h/a?next=https://h:443/b"),
        (" https://h/a\r\n", "https://h/a"),
        (" https://h:443/a", "https://h/a"),
        ("https://H.Test/A?B=C", "https://h.test/A?B=C"),
        ("/c?t=x y", "https://arm.test/c?t=x%20y"),
        ("?t=1", "https://arm.test/s/x?t=1"),
        ("c?t=1", "https://arm.test/s/c?t=1"),
        ("c?t=a\\b", "https://arm.test/s/c?t=a%5Cb"),
        ("//Elsewhere.test/c", "https://elsewhere.test/c"),
        ("https:c", "https:c"),
    ],
)
def test_what_is_forbidden_is_encoded_and_escapes_stay(link: str, sent: str) -> None:
    assert sendable(link, "https://arm.test/s/x?a=b") == sent
    assert str(httpx.URL(sent)) == sent


@pytest.mark.parametrize(
    ("link", "sent"),
    [
        ("\\\\elsewhere.test\\x", "%5C%5Celsewhere.test%5Cx"),
        ("https:\\\\elsewhere.test", "https:%5C%5Celsewhere.test"),
        ("ht\ntps://elsewhere.test/x", "ht%0Atps://elsewhere.test/x"),
        ("https://[::1/x", "https://[::1/x"),
        ("//[::1/x", "//[::1/x"),
    ],
)
def test_what_may_be_read_as_another_host_is_not_made_a_link_of_ours(link: str, sent: str) -> None:
    assert sendable(link, "https://arm.test/s/x") == sent


def test_what_is_no_text_is_left_for_others_to_judge() -> None:
    assert (sendable(7, "https://h"), sendable(None, "https://h")) == (7, None)


@pytest.mark.parametrize(
    ("link", "root", "found"),
    [
        (f"http{ROOT[5:]}/VMCheckPoints?$skiptoken=5", ROOT, f"{ROOT}/VMCheckPoints?$skiptoken=5"),
        ("http://inner/sc2012r2/vmm/x/Microsoft.Management.Odata.svc/VMCheckPoints", ROOT, f"{ROOT}/VMCheckPoints"),
        ("http://inner/VMM/VMCheckPoints?a=b", "https://wap.test:30005/s/services/systemcenter/vmm",
         "https://wap.test:30005/s/services/systemcenter/vmm/VMCheckPoints?a=b"),
        ("http://inner/a.svc/tenant/VMCheckPoints?a", "https://h/b.svc/tenant", "https://h/b.svc/tenant/VMCheckPoints?a"),
        ("http://inner/a.svc/Tenant/VMCheckPoints", "https://h/b.svc/tENANT", "https://h/b.svc/tENANT/VMCheckPoints"),
        ("http://inner/a.svc/VMCheckPoints", "https://h/b.svc/tenant", "https://h/b.svc/tenant/VMCheckPoints"),
        ("http://inner/a.svc/VMCheckPoints", "https://h/plain", "https://h/plain/VMCheckPoints"),
        ("http://inner/a.svc/VMCheckPoints(ID=guid'1')", ROOT, f"{ROOT}/VMCheckPoints(ID=guid'1')"),
        ("http://inner/a.svc/VirtualMachines?a", ROOT, None),
        ("http://inner/a.svc/VMCheckPoints/../Jobs", ROOT, None),
        ("http://inner/a.svc/", ROOT, None),
        ("https://elsewhere.test/VMCheckPoints", ROOT, None),
    ],
)  # fmt: skip
def test_a_link_of_a_list_comes_onto_our_own_root(link: str, root: str, found: str | None) -> None:
    assert below_root(link, root, "VMCheckPoints") == found


SPELLINGS = [
    "https://service.test/op/1?s=Sig-_~&c=MII%2b",
    "https://service.test:443/op/1?s=Sig-_~&c=MII%2b",
    "https://Service.TEST/op/1?s=Sig-_~&c=MII%2b",
    "HTTPS://service.test/op/1?s=Sig-_~&c=MII%2b",
    "/op/1?s=Sig-_~&c=MII%2b",
    "//service.test/op/1?s=Sig-_~&c=MII%2b",
    " /op/1?s=Sig-_~&c=MII%2b",
    "1?s=Sig-_~&c=MII%2b",
]


def test_a_link_that_is_but_a_query_keeps_the_path_of_the_request() -> None:
    assert resolved("?t=1", "https://service.test/op/0?x=y") == "https://service.test/op/0?t=1"


@pytest.mark.parametrize("link", SPELLINGS)
def test_a_link_is_resolved_against_the_request_and_kept_byte_for_byte_behind_the_host(link: str) -> None:
    assert resolved(link, "https://service.test/op/0?x=y") == SPELLINGS[0]


@pytest.mark.parametrize("base", ["https://service.test/op/0?x=/a/b", "https://service.test/op/0?a=b:c?d/e"])
@pytest.mark.parametrize("link", SPELLINGS)
def test_what_stands_in_the_query_of_the_request_is_no_part_of_its_path(link: str, base: str) -> None:
    assert resolved(link, base) == SPELLINGS[0]


def test_a_request_without_a_path_has_an_origin_all_the_same() -> None:
    for query in ("x=/a/b", "=/a/b"):
        assert resolved("/op", f"https://service.test?{query}") == "https://service.test/op"


@pytest.mark.parametrize(
    ("link", "whole"),
    [
        ("https://Evil.test/op", "https://evil.test/op"),
        ("//evil.test/op", "https://evil.test/op"),
        ("http://service.test:80/op", "http://service.test/op"),
        ("http://service.test:443/op", "http://service.test:443/op"),
        ("https://service.test:8443/op", "https://service.test:8443/op"),
        ("https://U:P@service.test/op", "https://U:P@service.test/op"),
        ("https://service.test?x", "https://service.test?x"),
        ("https://service.test/Op/A b", "https://service.test/Op/A b"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("https://[::1]:443/op", "https://[::1]/op"),
        ("https://[bad/op", "https://[bad/op"),
        ("//[bad", "https://[bad"),
    ],
)
def test_where_a_link_leads_stays_as_it_is(link: str, whole: str) -> None:
    assert resolved(link, "https://service.test/op/0") == whole


@pytest.mark.parametrize("link", ["\\\\elsewhere.test\\x", "operations\\1", "/x\\y"])
def test_a_link_with_a_backslash_is_not_made_one_of_ours(link: str) -> None:
    assert resolved(link, "https://arm.test/subscriptions/1/x") == link
