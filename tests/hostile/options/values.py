# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put into options: texts with a meaning to OData, URLs, headers, KQL, JSON or people; and no texts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

INJECTIONS = [
    "x' or 1 eq 1 or Name eq '",
    "x' and StampId eq guid'00000000-0000-0000-0000-000000000000",
    "''",
    "'",
    "'); drop table VirtualMachines; --",
    "' | project id, tags //",
    "| project *",
    "../..",
    "..",
    ".",
    "%2e%2e%2f%2e%2e",
    "%2E%2E",
    "..%2f",
    "a/b",
    "a//b",
    "/",
    "\\..\\..",
    "a?b=c",
    "a#b",
    "a&api-version=1900-01-01",
    "a;b=c",
    "a=b",
    "a+b c",
    "100%",
    "%00",
    "%",
    "a\r\nX-Injected: yes",
    "a\nb",
    "a\rb",
    'a","Description":"b',
    '{"a": 1}',
    "</d:Name><d:Name>",
    "]]>&lt;!ENTITY",
    "$filter=1",
    "${jndi:ldap://x}",
    "{subscription_id}",
    "{{ 7 * 7 }}",
    "guid'0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d'",
    "https://elsewhere.example/",
    "//elsewhere.example/a",
    "user:password@elsewhere.example",
]
CHARACTERS = [
    "",
    " ",
    " a ",
    "\t",
    "\0",
    "a\0b",
    "\x1b[31mred",
    "\x7f",
    "é",
    "e\u0301",
    "\u0928\u093f",
    "עברית",
    "a\u202eb",
    "a\u200bb",
    "\ufeffa",
    "a\u00a0b",
    "a\u2028b",
    "日本語",
    "\N{GRINNING FACE}",
    "\N{FAMILY}\u200d\N{GRINNING FACE}",
    "\ud800",
    "a\udcffb",
    "\uffff",
    "\N{KELVIN SIGN}",
    "\N{LATIN SMALL LETTER LONG S}",
    "İ",
    "ß",
    "x" * 81,
    "x" * 255,
    "x" * 256,
    "x" * 5000,
    "é" * 2000,
]
NUMBERS = ["-5m", "0s", "1ms", "NaN", "1e9s", "٣h", "5 m", "5M", "99999999999d", "1000000h", "-1", "3.5"]
TIMES = [
    "2026-11-20T08:00:00+25:99",
    "2026-11-20T08:00:00-23:59",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:60Z",
    "2026-13-45T08:00:00Z",
    "2026-11-20 08:00",
]
JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    3,
    10**400,
    3.5,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    ["a", None, 3],
    {"a": {"b": [1]}},
    {"before": 5},
    {"version": 1, "actions": [None, {"action": []}]},
    [{"disk": "os", "id": "x"}],
]
FIXED: list[Any] = [*INJECTIONS, *CHARACTERS, *NUMBERS, *TIMES, *JUNK]

_PIECES = st.one_of(
    st.sampled_from([*INJECTIONS, *CHARACTERS[:-6], *NUMBERS, *TIMES]),
    st.text(st.characters(), max_size=8),
    st.text(st.sampled_from("'\"/\\%?#&=;:.,+ \r\n\t\0(){}[]<>|$@-_"), max_size=8),
)
TEXTS = st.lists(_PIECES, min_size=1, max_size=4).map("".join)
_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
ANYTHING = st.one_of(
    TEXTS,
    TEXTS,
    st.recursive(
        _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
    ),
    *[
        st.dictionaries(st.just(key), TEXTS, min_size=1, max_size=1)
        for key in ("before", "version", "action", "disk", "id", "tags")
    ],
)
"""Mostly texts, made of what has meaning somewhere; and any JSON."""

GUID = "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"
_URLS = [
    "https://simulator.test/SC2012R2/VMM/{subscription_id}/Microsoft.Management.Odata.svc/",
    "HTTPS://SIMULATOR.TEST/SC2012R2/VMM/Microsoft.Management.Odata.svc",
    "https://simulator.test/SC2012R2/VMM/../VMM/Microsoft.Management.Odata.svc",
    "https://simulator.test/%2e%2e/Microsoft.Management.Odata.svc",
    "https://simulator.test/a\r\nX-Injected: yes",
    "https://simulator.test/a b",
    "https://simulator.test/a?b=c",
    "https://simulator.test/a#b",
    "https://simulator.test/\N{LATIN SMALL LETTER E WITH ACUTE}'\"<>|^`{}",
    "https://simulator.test/a%",
    "https://simulator.test/a%zz",
    "https://simulator.test\\a",
    "https://simulator.test:99999/",
    "https://simulator.test:0/",
    "https://simulator.test:/",
    "https://user:password@simulator.test/",
    "https://[::1",
    "https:///a",
    "https://",
    "http://simulator.test/",
    "ftp://simulator.test/",
    "https://{subscription_id}.simulator.test/",
    "https://simulator.test/" + "a" * 5000,
]
_VERSIONS = [
    "2024-06-01",
    "2024-06-01-preview",
    "\u0662\u0660\u0662\u0664-\u0660\u0666-\u0660\u0661",
    "2024-06-01&a=b",
    "2024-06-01\n",
    "2024-06-01#",
]
KEYS = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Compute/diskEncryptionSets/a"
_IDS = [
    f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Compute/restorePointCollections/a",
    f"/subscriptions/{GUID}/resourceGroups/../providers/Microsoft.Compute/virtualMachines/a",
    f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/a?b=c",
    f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/%2e%2e",
    f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.HybridCompute/machines/a\r\nX: y",
    f"/subscriptions/{GUID}'/resourceGroups/rg/providers/Microsoft.HybridCompute/machines/a",
    f"/subscriptions/{GUID}/resourceGroups/r\N{LATIN SMALL LETTER E WITH ACUTE}/providers/"
    "Microsoft.HybridCompute/machines/a",
]
_DURATIONS = ["1s", "500ms", "10m", "100w", "0s"]
_SPECIAL: dict[str, list[Any]] = {
    "spf_url": _URLS,
    "cloud_environment": [*_URLS, "azurecloud", "AzureUSGovernment"],
    "spf_stamp_id": [GUID, GUID.upper(), f"{GUID}\n", f"{{{GUID}}}"],
    "subscription_id": [GUID, f"{GUID}/../x"],
    "spf_subscription_id": [GUID, "a b/c%d", "...."],
    "spf_username": ["CONTOSO\\new", "user@example.test", "a:b", "m\N{LATIN SMALL LETTER U WITH DIAERESIS}ller"],
    "vm": [GUID, f" {GUID}", *_IDS, "@vm"],
    "vms": [[GUID], ["a", "a"], ["a'b"], ["x' or Name eq 'y"], *([each] for each in _IDS)],
    "collection": ["checkpoints-shop01", *_IDS],
    "checkpoint_id": ["@checkpoint"],
    "source": ["@vm", "@vm", "@vm", *_IDS],
    "source_restore_point": ["before", *_IDS],
    "select": [
        *("latest", "oldest", {"before": "2026-11-20T08:00:00+14:00"}, {"before": "2026-11-20t08:00:00z"}),
        *({"older_than": "1d", "managed": True}, {"older_than": "9" * 40 + "d"}, {"managed": {}}, {"which": None}),
        *({"name_matches": "(a+)+"}, {"name_matches": "\ud800"}, {"name_matches": "a" * 300}, {"name_matches": "[["}),
        *({"name_matches": "be.*", "pinned": False}, {"before": "0001-01-01T00:00:00+14:00"}, {"": ""}),
    ],
    "tags": [{"a": "b"}, {"a'b": "c\nd"}, {"a": 1}, {"": ""}, {"\ud800": "x"}, {"x" * 600: "y"}, {"code": "\0"}],
    "exclude_disks": [["os"], ["lun0"], ["0"], ["OS "], ["shop01_OsDisk"], ["lun9"]],
    "encryption_sets": [
        [{"disk": "os", "id": KEYS}],
        [{"disk": "os", "id": "x'y"}],
        [{"disk": "lun0", "id": "a\nb"}],
        [{"disk": "x", "id": ""}],
    ],
    "id": [KEYS, f"{KEYS}/..", f"{KEYS}?a=b", *_IDS],
    "instant_access_duration": [60, 300, 59, "60", "6e1"],
    "group": [{}, {"order": "parallel"}, {"on_failure": "keep"}, {"order": "x"}, {"a'b": "c"}],
    "concurrency": [1, 64, 256, 257, "4", "4.0", "x", "auto"],
    "expected_plan": [
        "@plan",
        "@plan",
        "@plan",
        "sha256:" + "0" * 64,
        "{",
        '{"version": 1, "actions": []}',
        {"version": 1, "actions": []},
    ],
    "prefix": ["nightly", "n" * 50],
    "name_template": ["{prefix}", "{prefix}-{local:%d%H}", "{prefix}{prefix.__class__}", "{0}{prefix}", "{prefix!r}"],
    "keep": [{"last": 2}, {"within": "1y6mo", "daily": 3}, {"within": "6m"}, {"last": "x"}, {"last": 0}, {"fast": 1}],
    "adopt": [{"name": "before"}, {"name_matches": "b.*"}, {"name_matches": "("}, {"name": "a", "name_matches": "b"}],
    "thresholds": [{"points": 1, "near_limit": 1}, {"stale_after": "1s"}, {"failed_points": -1}, {"near_limit": 101}],
    "timezone": ["Europe/Berlin", "UTC", "posixrules", "leapseconds", "Europe", "../zoneinfo/UTC"],
    "pins": [["before"], ["@checkpoint"], [""], ["a\nb"]],
    "resource_group": ["rg-shop", "RG-SHOP", "a.", "(a)"],
    "location": ["westeurope", "West Europe", "we\nst"],
    "spf_service_principal": ["HTTP/spf.test", "HTTP/spf.test@REALM", "HTTP/", "host/a b"],
    "spf_client_cert": ["@client certificate", "/dev/null", "/nowhere"],
    "spf_client_key": ["@client certificate", "/dev/null", "/nowhere"],
    "ca_path": ["~", "$HOME", "/dev/null", "/nowhere"],
    "access_token": ["Bearer e30", "'e30'", '"e30"', "Bearer "],
    "thumbprint": ["AB:" * 19 + "cd", "ab" * 20, "ab" * 32, "\u0661" * 40],
    "x509_certificate_path": ["@certificate", "~", "/dev/null", "/nowhere", "/dev/zero"],
    "federated_token_file": ["@token", "~", "/dev/null", "/nowhere", "/dev/zero"],
    "profile": ["default", "DEFAULT", "a]\n[b"],
}


def special(option: str, spec: dict[str, Any]) -> list[Any]:
    """Values near what the option takes."""
    if spec.get("type") == "bool" or "choices" in spec:
        return list(spec.get("choices", [True, False])) * 3
    if option.endswith("api_version"):
        return _VERSIONS
    if option == "pin_until":
        return [*_DURATIONS, "2030-01-01T00:00:00Z", "2030-01-01T00:00:00", "9999-12-31T23:59:59+14:00", "2030-01-01"]
    if option in (
        "max_age",
        "older_than",
        "younger_than",
        "wait_timeout",
        "poll_interval",
        "settle_time",
        "stale_after",
    ):
        return _DURATIONS
    if option.startswith("within"):
        return ["2d", "1y6mo", "6m", "0d", "1d1d", "9999y"]
    return _SPECIAL.get(option, [])
