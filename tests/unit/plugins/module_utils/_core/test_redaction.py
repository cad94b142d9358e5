# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret reaches a result, in whatever spelling it was echoed."""

from __future__ import annotations

import base64
import html
import json
import textwrap
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import hiding, one_line, without_queries
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Secrets

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
    assert knowing(None, "", "    ").scrub("text") == "text"


LONG = """Tr0ub4dor&3 <"it's"> 100%/day+\\ü;end"""
SPELLINGS: dict[str, Callable[[str], str]] = {
    "entities": html.escape,
    "numbered entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hexadecimal entities": lambda text: "".join(f"&#X{ord(c):X};" for c in text),
    "upper case": str.upper,
    "percent, lower case": lambda text: urllib.parse.quote(text, safe="").lower(),
    "percent twice": lambda text: urllib.parse.quote(urllib.parse.quote(text)),
    "percent in an entity": lambda text: html.escape(urllib.parse.quote_plus(text, safe="&")),
    "every octet": lambda text: "".join(f"%{octet:02x}" for octet in text.encode()),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "every unit": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "OData": lambda text: text.replace("'", "''"),
    "wrapped": lambda text: "\r\n\t ".join((text[:7], text[7:19], text[19:])),
    "with control characters": "\0".join,
    "read in another encoding": lambda text: text.encode().decode("latin-1"),
    "unknown characters replaced": lambda text: text.encode("ascii", "replace").decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in lower case": lambda text: base64.b64encode(text.encode()).decode().lower(),
    "base64, wrapped": lambda text: "\n".join(textwrap.wrap(base64.b64encode(text.encode()).decode(), 10)),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_secret_is_found_however_it_is_escaped_wrapped_or_changed_in_case(spelled: Callable[[str], str]) -> None:
    """The text around it stays, so that one still reads what went wrong."""
    shown = knowing(LONG).scrub(f'said "{spelled(LONG)}", so no')
    assert shown.startswith('said "')
    assert shown.endswith(", so no")
    assert set(shown.removeprefix('said "').removesuffix('", so no')) <= set(MASK) | {"\n", "="}, shown


def test_the_spelling_tests_can_fail() -> None:
    for spelled in SPELLINGS.values():
        assert MASK not in knowing("another secret altogether").scrub(spelled(LONG))


@pytest.mark.parametrize("before", ["", "1", "12", "user:"])
def test_it_is_found_inside_the_base64_of_something_longer(before: str) -> None:
    around = base64.b64encode(f"{before} and more".encode()).decode()
    shown = knowing(LONG).scrub(base64.b64encode(f"{before}{LONG} and more".encode()).decode())
    assert MASK in shown
    assert len(shown.replace(MASK, "")) <= len(around) + 4


def test_of_a_long_secret_the_beginning_is_enough() -> None:
    token = "".join(chr(97 + n * 7 % 26) + str(n) for n in range(40))
    assert knowing(token).scrub(f"Bearer {token[:33]}... no") == f"Bearer {MASK}... no"


def test_a_secret_that_is_cut_shows_no_part_of_it() -> None:
    secrets = knowing(LONG)
    token = hiding.set(secrets.hide)
    try:
        shown = [one_line("x" * (1000 - cut) + LONG) for cut in range(1, len(LONG))]
    finally:
        hiding.reset(token)
    assert all(set(text) <= set("x*…") for text in shown)
    assert "Tr0ub4" in one_line("x" * 990 + LONG)


@pytest.mark.parametrize("short", ["e", "is", "the"])
def test_a_short_secret_hides_no_more_than_itself(short: str) -> None:
    text = f"T-h-e VM i s there, {base64.b64encode(short.encode()).decode()} %65"
    assert knowing(short).scrub(text) == text.replace(short, MASK).replace(
        base64.b64encode(short.encode()).decode(), MASK
    )
    assert knowing(short).hide(text) == text


def test_a_password_of_a_few_characters_is_found_in_its_own_case_only() -> None:
    assert knowing("pa+ss").scrub("PA SS, pa ss, pa%2Bss") == f"PA SS, {MASK}, {MASK}"


def test_what_signs_a_followed_url_is_hidden() -> None:
    secrets = Secrets()
    secrets.add_signed("https://h/op?api-version=2024-06-01&t=638&c=MIIabc&s=a%2Fsignature%2Fof%2Fit&h=shorter")
    assert secrets.scrub("2024-06-01 a/signature/of/it shorter") == f"2024-06-01 {MASK} shorter"


SAS = "sv=2021&sig=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyMTI%3D&se=2026"


@pytest.mark.parametrize("spelled", [SAS, urllib.parse.quote(SAS), html.escape(SAS), SAS.replace("Y", "\n Y")])
def test_a_signature_is_hidden_without_being_known(spelled: str) -> None:
    shown = Secrets().scrub(f"https://h/vhd?{spelled} no")
    assert "Zm9v" not in shown
    assert MASK in shown
    assert shown.endswith("2026 no")


def test_the_names_of_tags_are_anybodys_words() -> None:
    result = {"tags": {"code": "hidden-word", "hidden-word": "x"}, "code": "hidden-word", "hidden-word": 1}
    assert knowing("hidden-word").scrub(result) == {
        "tags": {"code": MASK, MASK: "x"},
        "code": "hidden-word",
        "hidden-word": 1,
    }


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
