# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret reaches a result, in whatever spelling it was echoed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._errors import without_queries
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._secrets import MASK, Secrets

SECRET = "p@ss word/+ü"


def knowing(*values: str | None) -> Secrets:
    secrets = Secrets()
    for value in values:
        secrets.add(value)
    return secrets


@pytest.mark.parametrize(
    "echo",
    [SECRET, "p%40ss%20word%2F%2B%C3%BC", "p%40ss+word%2F%2B%C3%BC", base64.b64encode(SECRET.encode()).decode()],
)
def test_each_spelling_of_a_secret_is_masked(echo: str) -> None:
    assert knowing(SECRET).scrub(f"refused: {echo}!") == f"refused: {MASK}!"


def test_a_password_is_masked_as_basic_sends_it_too() -> None:
    secrets = Secrets()
    secrets.add_basic("svc", SECRET)
    sent = base64.b64encode(f"svc:{SECRET}".encode()).decode()
    assert secrets.scrub([f"Basic {sent}", SECRET, "svc"]) == [f"Basic {MASK}", MASK, "svc"]


def test_every_value_of_a_result_is_scrubbed_our_own_keys_and_numbers_stay() -> None:
    result = {"a": ["name", ("x name",)], "name": {"n": 1, "t": True, "none": None}}
    assert knowing("name").scrub(result) == {"a": [MASK, [f"x {MASK}"]], "name": {"n": 1, "t": True, "none": None}}


def test_of_two_secrets_the_longer_one_goes_first() -> None:
    assert knowing("abc", "abcdef").scrub("abcdef abc") == f"{MASK} {MASK}"


def test_an_empty_secret_masks_nothing() -> None:
    assert knowing(None, "").scrub("text") == "text"


@given(st.text(min_size=4, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_never_survives(secret: str, before: str, after: str) -> None:
    if secret not in MASK:
        assert secret not in knowing(secret).scrub({"x": [before + secret + after]})["x"][0].replace(MASK, "\0")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://h/op/1?t=1&s=SIG for more", "see https://h/op/1?… for more"),
        ('"https://h/a?x=1","http://h/b?y=2"', '"https://h/a?…","http://h/b?…"'),
        ("HTTPS://H/op?sig=S", "HTTPS://H/op?…"),
        ("at /subscriptions/x?t=1&s=SIG now", "at /subscriptions/x?… now"),
        ("https://h/a", "https://h/a"),
        ("what? no", "what? no"),
    ],
)
def test_the_query_of_a_url_is_cut_off(text: str, shown: str) -> None:
    assert without_queries(text) == shown
