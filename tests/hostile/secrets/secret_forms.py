# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a run, the spellings a server may echo them in, and a search for what is left of one.

The search knows nothing of how the collection looks for secrets: it undoes escapes with Python's own means, in every
order, and takes six letters and digits in a row (eight of base64) for a leak.
"""

from __future__ import annotations

import atexit
import base64
import html
import json
import re
import shutil
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.contract.sign_in.identities import principal
from tests.support.lab import HOST, Lab

TITLE = "secrets in what servers echo"
PASSWORD = "Zq7 &<wK\"4>'pX%2v/Ym+\\nJ9üRt;Lb"
SHORT = "k?Q 7"
SPF_TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJ1cG4iOiJ4WjlxVzJ2In0.Hq3vN8sXkT-w_Yd5Lr0Pz6GmBcJfKaQe1UoIi7Vt"
CLIENT_SECRET = "4Xv8Q~nR.w2Yk_Zb6Jd-Tg9Lm3Hs0Pf5Kc7Vq1Ux"
ISSUED = "eyJhbGciOiJub25lIn0." + "".join(f"{chr(97 + 7 * n % 26)}{n}{chr(65 + 11 * n % 26)}" for n in range(60))
GIVEN = "GiVeN7x4Q9." + "".join(f"{chr(65 + 5 * n % 26)}{97 - n}{chr(97 + 3 * n % 26)}" for n in range(60))
ASSERTION = "eyJzdWIiOiJzeXN0ZW0ifQ." + "".join(f"{chr(97 + 3 * n % 26)}{n}{chr(65 + 7 * n % 26)}" for n in range(60))
REQUEST_TOKEN = "pIpElInE." + "".join(f"{chr(65 + 9 * n % 26)}{31 + n}{chr(97 + 11 * n % 26)}" for n in range(40))
PFX_PASSWORD = "Tz5 &<mQ\"8>'rW%7v/Bn+Kd"
SIGNATURE = "uZk4Rw9Xq2Lm7Tb0Vn5Yc8Jd1Hs6Pf3Gg+K/eAoIiU="
SAS = f"https://vault.blob.example/vhds/os.vhd?sv=2024-05-04&sr=b&sig={urllib.parse.quote(SIGNATURE, safe='')}&sp=r"

Spelling = Callable[[str], str]
RECOGNISABLE: dict[str, Spelling] = {
    "as it is": str,
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "percent, lower case": lambda text: re.sub("%..", lambda m: m[0].lower(), urllib.parse.quote(text, safe="")),
    "form": urllib.parse.quote_plus,
    "percent twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "HTML": html.escape,
    "HTML, numbers": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "XML, hexadecimal": lambda text: "".join(f"&#x{ord(c):x};" if not c.isalnum() else c for c in text),
    "percent in HTML": lambda text: html.escape(urllib.parse.quote(text, safe="&'")),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, all escaped": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
}
"""How a signature that nobody gave us is still known for one."""
SPELLINGS: dict[str, Spelling] = {
    **RECOGNISABLE,
    "tabs for spaces": lambda text: text.replace(" ", "\t\t"),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, unpadded": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in percent": lambda text: urllib.parse.quote(base64.b64encode(text.encode()).decode(), safe=""),
}
"""What is looked for; decision 0008 says what is not."""


@dataclass(frozen=True)
class Form:
    """A secret, how a server knows it, and in which spellings it must not come out."""

    name: str
    service: str
    planted: str
    secret: str
    options: tuple[tuple[str, Any], ...] = ()
    spellings: tuple[str, ...] = tuple(SPELLINGS)

    def prepare(self, lab: Lab) -> dict[str, Any]:
        """The world knows the secret; the options that make a task use it."""
        known = lab.world.credentials
        known.spf_password, known.spf_token, known.secret = PASSWORD, SPF_TOKEN, CLIENT_SECRET
        for token in (ISSUED, GIVEN):
            lab.world.tokens[token] = (float("inf"), HOST)
        if ("spf_password", SHORT) in self.options:
            known.spf_password = SHORT
        answer = {"token_type": "Bearer", "expires_in": 3600, "access_token": ISSUED}
        lab.world.faults.add(kind="replace", path="/oauth2/", body=answer, count=None)
        identities = lab.world.identities
        identities.assertions[ASSERTION] = float("inf")
        identities.request_token = REQUEST_TOKEN
        me = principal()
        me.register(identities)
        (files() / "assertion").write_text(ASSERTION)
        (files() / "principal.pfx").write_bytes(me.pfx(PFX_PASSWORD))
        return dict(self.options)


@cache
def files() -> Path:
    """A directory for the secrets that are files."""
    directory = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, directory)
    return Path(directory)


def _pair(password: str) -> str:
    return base64.b64encode(f"svc-ansible:{password}".encode()).decode()


FORMS = [
    Form("password", "spf", PASSWORD, PASSWORD),
    Form("header of Basic", "spf", _pair(PASSWORD), PASSWORD),
    Form("token for SPF", "spf", SPF_TOKEN, SPF_TOKEN, (("spf_auth", "bearer"), ("spf_token", SPF_TOKEN))),
    Form("short password", "spf", SHORT, SHORT, (("spf_password", SHORT),)),
    Form("signed URL of a disk, from SPF", "spf", SAS, SIGNATURE, spellings=tuple(RECOGNISABLE)),
    Form("client secret", "arm", CLIENT_SECRET, CLIENT_SECRET),
    Form("issued token", "arm", ISSUED, ISSUED),
    Form("given token", "arm", GIVEN, GIVEN, (("access_token", GIVEN),)),
    Form(
        "federated assertion",
        "arm",
        ASSERTION,
        ASSERTION,
        (("secret", None), ("federated_token_file", str(files() / "assertion"))),
    ),
    Form(
        "what a pipeline asks with",
        "arm",
        REQUEST_TOKEN,
        REQUEST_TOKEN,
        (
            ("auth_source", "oidc"),
            (
                "environ",
                {
                    "ACTIONS_ID_TOKEN_REQUEST_URL": f"{HOST}/github/id-token",
                    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
                },
            ),
        ),
    ),
    Form(
        "password of a certificate",
        "arm",
        PFX_PASSWORD,
        PFX_PASSWORD,
        (
            ("secret", None),
            ("x509_certificate_path", str(files() / "principal.pfx")),
            ("x509_certificate_password", PFX_PASSWORD),
        ),
    ),
    Form("signed URL of a disk", "arm", SAS, SIGNATURE, spellings=tuple(RECOGNISABLE)),
]
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")


def leak(text: str, secret: str) -> str:
    """What of a secret can be read in a text, or nothing."""
    wanted = list(_pieces(secret))
    for variant in _variants(text):
        if secret in variant or " ".join(secret.split()) in " ".join(variant.split()):
            return secret
        plain = _plain(variant)
        for piece in wanted:
            if piece in plain:
                return piece
    return ""


@cache
def _pieces(secret: str) -> frozenset[str]:
    plain = _plain(secret)
    found = {plain[n : n + 6] for n in range(len(plain) - 5)}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret.encode()).decode()
        core = _plain(encoded[2 * offset - offset // 2 : len(encoded) - 4])
        found |= {core[n : n + 8] for n in range(len(core) - 7)}
    return frozenset(found)


def _variants(text: str) -> Iterator[str]:
    """The text, and what it says when escapes are undone in any order, four layers deep."""
    seen = {text}
    todo = [(text, 0)]
    while todo:
        variant, depth = todo.pop()
        yield variant
        if depth == 4:
            continue
        undone = (
            html.unescape(variant),
            urllib.parse.unquote(variant),
            _UNICODE.sub(lambda found: chr(int(found[1], 16)), variant),
            variant.replace('\\"', '"').replace("\\\\", "\\"),
        )
        for each in undone:
            if each not in seen:
                seen.add(each)
                todo.append((each, depth + 1))


def _plain(text: str) -> str:
    return re.sub("[^0-9a-z]", "", text.lower())
