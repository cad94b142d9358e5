# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret reaches a result, in whatever spelling it was echoed."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.formatting import (
    one_line,
    printable,
    without_queries,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import LONGEST, MASK, Redactor

SECRET = "p@ss word/+ü"


def knowing(*values: str | None) -> Redactor:
    redactor = Redactor()
    for value in values:
        redactor.add(value)
    return redactor


@pytest.mark.parametrize(
    "echo",
    [SECRET, "p%40ss%20word%2F%2B%C3%BC", "p%40ss+word%2F%2B%C3%BC", base64.b64encode(SECRET.encode()).decode()],
)
def test_each_spelling_of_a_secret_is_masked(echo: str) -> None:
    assert knowing(SECRET).redact_result(f"refused: {echo}!") == f"refused: {MASK}!"


def test_a_password_is_masked_as_basic_sends_it_too() -> None:
    redactor = Redactor()
    redactor.add_basic("svc", SECRET)
    sent = base64.b64encode(f"svc:{SECRET}".encode()).decode()
    assert redactor.redact_result([f"Basic {sent}", SECRET, "svc"]) == [f"Basic {MASK}", MASK, "svc"]


def test_every_value_of_a_result_is_scrubbed_our_own_keys_and_numbers_stay() -> None:
    result = {"a": ["name", ("x name",)], "name": {"n": 1, "t": True, "none": None}}
    assert knowing("name").redact_result(result) == {
        "a": [MASK, [f"x {MASK}"]],
        "name": {"n": 1, "t": True, "none": None},
    }


def test_of_two_secrets_the_longer_one_goes_first() -> None:
    assert knowing("abc", "abcdef").redact_result("abcdef abc") == f"{MASK} {MASK}"


def test_an_empty_secret_masks_nothing() -> None:
    assert knowing(None, "", "    ").redact_result("text") == "text"


LONG = """Tr0ub4dor&3 <"it's"> 100%/day+\\ü;end"""
SPELLINGS: dict[str, Callable[[str], str]] = {
    "entities": html.escape,
    "numbered entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hexadecimal entities": lambda text: "".join(f"&#X{ord(c):X};" for c in text),
    "percent, lower case": lambda text: re.sub("%..", lambda m: m[0].lower(), urllib.parse.quote(text, safe="")),
    "percent twice": lambda text: urllib.parse.quote(urllib.parse.quote(text)),
    "percent in an entity": lambda text: html.escape(urllib.parse.quote_plus(text, safe="&")),
    "every octet": lambda text: "".join(f"%{octet:02x}" for octet in text.encode()),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "every unit": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "other white space": lambda text: text.replace(" ", "\r\n\t "),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in percent": lambda text: urllib.parse.quote(base64.b64encode(text.encode()).decode(), safe=""),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_secret_is_found_however_it_is_escaped(spelled: Callable[[str], str]) -> None:
    """The text around it stays, so that one still reads what went wrong."""
    assert spelled(LONG) != LONG
    shown = knowing(LONG).redact_result(f'said "{spelled(LONG)}", so no')
    assert re.fullmatch(rf'said "{re.escape(MASK)}(=|%3D)*", so no', shown), shown


def test_the_spelling_tests_can_fail() -> None:
    for spelled in SPELLINGS.values():
        assert MASK not in knowing("another secret altogether").redact_result(spelled(LONG))


def test_every_echo_in_a_text_is_masked() -> None:
    echoed = [LONG, *(spelled(LONG) for spelled in SPELLINGS.values())]
    assert knowing(LONG).redact(" and ".join(echoed)).count(MASK) == len(echoed)


def test_a_text_keeps_its_escapes_where_no_secret_is_behind_them() -> None:
    assert knowing(LONG).redact("100%25 &amp; a\tb\\u0041") == "100%25 &amp; a\tb\\u0041"
    assert knowing(LONG).redact(f"100%25\n{LONG}") == f"100%25\n{MASK}"


def test_it_ends_however_many_layers_there_are() -> None:
    assert knowing("AAAA").redact("%" + "25" * 9 + "41") == "%" + "25" * 9 + "41"


def test_a_secret_that_is_cut_shows_no_part_of_it() -> None:
    with knowing(LONG).active():
        shown = [cut("x" * (1000 - far) + LONG, 1000) for far in range(1, len(LONG)) for cut in (one_line, printable)]
    assert all(set(text) <= set("x*…") for text in shown)
    assert "Tr0ub4" in one_line("x" * 990 + LONG)


@pytest.mark.parametrize("before", ["%20", "0123456789abcdef" * 250])
@pytest.mark.parametrize("cut", [6, 20, 79])
def test_nor_does_one_where_reading_on_ends(before: str, cut: int) -> None:
    """What is masked or decoded grows shorter: the end of what is looked at may come to the front."""
    secret = "".join(chr(97 + n * 7 % 26) + str(n % 10) for n in range(40))
    echo = "".join(f"%{ord(c):x}" for c in secret)
    room = 16 * 1000 + LONGEST - len(echo) - cut
    start = before * (room // len(before)) + "%20" * (room % len(before) // 3)
    with knowing(before, secret).active():
        shown = one_line(f"{start:<{room}}{echo}{secret} and more")
    assert secret[:6] not in shown


@pytest.mark.parametrize(
    ("echo", "shown"),
    [
        (r"\ud83d\ude00 secret", f"\N{GRINNING FACE} {MASK}"),
        (r"\ud83d secret", f"\N{REPLACEMENT CHARACTER} {MASK}"),
        (r"\"a\/b\\ &nosuch; 100 % secret", rf'"a/b\ &nosuch; 100 % {MASK}'),
        (r"a\nb secret", f"a b {MASK}"),
    ],
)
def test_what_is_decoded_reads_well(echo: str, shown: str) -> None:
    assert knowing("secret").redact(echo.replace("secret", "%73ecret")) == shown


@pytest.mark.parametrize("short", ["e", "is", "the"])
def test_a_short_secret_hides_no_more_than_itself(short: str) -> None:
    text = f"T-h-e VM i s there, {base64.b64encode(short.encode()).decode()} %65"
    assert knowing(short).redact_result(text) == text.replace(short, MASK).replace(
        base64.b64encode(short.encode()).decode(), MASK
    )
    assert knowing(short).redact(text) == text


def test_a_password_of_a_few_characters_is_found_in_its_own_case_only() -> None:
    assert knowing("pa+ss").redact_result("PA SS, pa ss, pa%2Bss") == f"PA SS, {MASK}, {MASK}"


def test_what_signs_a_followed_url_is_hidden() -> None:
    redactor = Redactor()
    redactor.add_signed("https://h/op?api-version=2024-06-01&t=638&c=MIIabc&s=a%2Fsignature%2Fof%2Fit&h=shorter")
    assert redactor.redact_result("2024-06-01 a/signature/of/it shorter") == f"2024-06-01 {MASK} shorter"


SAS = "sv=2021&sig=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyMTI%3D&se=2026"


@pytest.mark.parametrize("spelled", [SAS, urllib.parse.quote(SAS), html.escape(SAS), SAS.replace("Y", "\n Y")])
def test_a_signature_is_hidden_without_being_known(spelled: str) -> None:
    shown = Redactor().redact_result(f"https://h/vhd?{spelled} no")
    assert "Zm9v" not in shown
    assert MASK in shown
    assert shown.endswith("2026 no")


@pytest.mark.parametrize(
    "theirs",
    [
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJteXNlbGYifQ.AHIDDENsignature of it",
        "Authorization: Bearer AHIDDEN0123456789abcdef= was sent",
        "BASIC QUhJRERFTjpwYXNzd29yZA== was sent",
        "by http://admin:AHIDDEN@proxy.corp:8080/ then",
        "DefaultEndpointsProtocol=https;AccountKey=AHIDDENAAAA==;EndpointSuffix=core",
        "Server=x;User Id=sa;Pwd=AHIDDEN;",
        "login failed: password = AHIDDEN user=x",
        "grant_type=x&client_secret=AHIDDEN%2B1&x=y",
        '{"adminPassword": "AHIDDEN and more", "x": 1}',
        "{&quot;clientSecret&quot;:&quot;AHIDDEN&quot;}",
    ],
)
def test_what_looks_like_somebody_elses_secret_is_hidden_too(theirs: str) -> None:
    shown = Redactor().redact_result(theirs)
    assert MASK in shown
    assert not re.search("AHIDDEN|QUhJRERF|eyJzdWIi", shown)


@pytest.mark.parametrize(
    "plain",
    [
        "spf_password: is wrong for /etc/key.pfx.",
        "It was tried once. Check spf_username and spf_password.",
        "Basic authentication is off; Bearer tokens are not taken",
        "https://arm.example:443/subscriptions/1@2",
        'prefix="password-reset", retries=3',
    ],
)
def test_words_about_secrets_are_none(plain: str) -> None:
    assert Redactor().redact_result(plain) == plain


def test_the_names_of_tags_are_anybodys_words() -> None:
    result = {"tags": {"code": "hidden-word", "hidden-word": "x"}, "code": "hidden-word", "hidden-word": 1}
    assert knowing("hidden-word").redact_result(result) == {
        "tags": {"code": MASK, MASK: "x"},
        "code": "hidden-word",
        "hidden-word": 1,
    }


def test_a_services_own_error_has_no_words_of_ours() -> None:
    theirs = {"code": "hidden-word", "inner": [{"status": "hidden-word", "tags": {"kind": "hidden-word"}}]}
    assert knowing("hidden-word").redact_result({"error": {"details": theirs, "status": "hidden-word"}}) == {
        "error": {
            "details": {"code": MASK, "inner": [{"status": MASK, "tags": {"kind": MASK}}]},
            "status": "hidden-word",
        }
    }


@given(st.text(min_size=4, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_never_survives(secret: str, before: str, after: str) -> None:
    if secret not in MASK:
        assert secret not in knowing(secret).redact_result({"x": [before + secret + after]})["x"][0].replace(MASK, "\0")


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


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("abc", "abc", "abc"),  # in the finished result only
        ("abcd", "abcd", MASK),
        ("abcd", "%61bcd", MASK),
        (" abcde ", "%61bcde", MASK),  # services cut blanks off
        ("  abc", "%61bc", "%61bc"),
    ],
)
def test_from_how_many_characters_on_a_secret_is_masked_at_once_and_in_other_spellings(
    secret: str, text: str, shown: str
) -> None:
    assert knowing(secret).redact(text) == shown


def test_basic_s_own_spelling_is_hidden_without_the_word_before_it() -> None:
    redactor = Redactor()
    redactor.add_basic("svc", SECRET)
    sent = base64.b64encode(f"svc:{SECRET}".encode()).decode()
    assert redactor.redact(f"we got {sent}.") == f"we got {MASK}."


@pytest.mark.parametrize("short", ["a/b", "a b", "a+b", "%", "/ "])
def test_a_short_secret_is_hidden_as_urls_and_forms_have_it(short: str) -> None:
    for spelled in (short, urllib.parse.quote(short, safe=""), urllib.parse.quote_plus(short)):
        assert knowing(short).redact_result(f"<{spelled}>") == f"<{MASK}>"


@pytest.mark.parametrize("padded", ["???>>>", "???>>>a", "???>>>ab"])
def test_base64_is_known_in_both_alphabets_with_and_without_padding(padded: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        spelled = encode(padded.encode()).decode()
        for each in (spelled, spelled.rstrip("=")):
            assert knowing(padded).redact(f"<{each}>").replace("=", "") == f"<{MASK}>"


@pytest.mark.parametrize("name", ["sig", "c", "s", "h", "SIG", "C"])
def test_each_parameter_that_signs_a_url_is_remembered(name: str) -> None:
    redactor = Redactor()
    redactor.add_signed(f"https://h/op?t=12345678&{name}=eight-ch&se=other-value")
    assert redactor.redact("eight-ch other-value 12345678") == f"{MASK} other-value 12345678"


def test_what_is_too_short_to_sign_anything_is_not() -> None:
    redactor = Redactor()
    redactor.add_signed("https://h/op?sig=seven-c")
    assert redactor.redact("seven-c") == "seven-c"


@pytest.mark.parametrize(
    "theirs",
    [
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJteXNlbGYifQ.AHIDDENsignature of it",
        "sent bearer AHIDDEN0123456789abcdef there",
        "sent Bearer AHIDDEN0123456789abcdef there",
        "sent BEARER AHIDDEN0123456789abcdef there",
        "sent basic QUhJRERFTjpwYXNzd29y there",
        "sent BASIC QUhJRERFTjpwYXNzd29y there",
        "sent bAsIc QUhJRERFTjpwYXNzd29y there",
        "by http://admin:AHIDDEN@proxy.corp:8080/ then",
        '{"adminPassword": "AHIDDEN and more"}',
        '{"ADMINPASSWORD": "AHIDDEN and more"}',
        "{'client_secret': 'AHIDDEN'}",
        '{"CLIENT_SECRET": "AHIDDEN"}',
        "pwd=AHIDDEN",
        "passwd = AHIDDEN",
        "SharedAccessKey=AHIDDEN",
    ],
)
def test_each_form_of_somebody_elses_secret_is_known_by_itself_in_any_case(theirs: str) -> None:
    shown = Redactor().redact(theirs)
    assert MASK in shown
    assert not re.search("AHIDDEN|QUhJRERF|eyJzdWIi", shown)


@pytest.mark.parametrize("key", ["code", "retry", "status", "action", "provider", "kind", "sign_in"])
def test_each_word_on_which_pipelines_branch_stays(key: str) -> None:
    shown = knowing("safe").redact_result({key: "safe", "name": "safe", "tags": {key: "safe"}})
    assert shown == {key: "safe", "name": MASK, "tags": {key: MASK}}
