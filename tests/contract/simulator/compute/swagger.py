# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's definitions as a judge of answers: references across files are resolved, unknown members are found."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

from ..shapes import load

jsonschema: Any = importlib.import_module("jsonschema")  # it has no types of its own
referencing: Any = importlib.import_module("referencing")
draft4: Any = importlib.import_module("referencing.jsonschema").DRAFT4
ROOT = "https://specs.test/"


class Swagger:
    """All files below a folder; `covered` counts what was judged, by operation id and status."""

    def __init__(self, folder: Path) -> None:
        self.documents = {ROOT + path.relative_to(folder).as_posix(): load(path) for path in folder.rglob("*.json")}
        resources = [(uri, draft4.create_resource(document)) for uri, document in self.documents.items()]
        self.registry = referencing.Registry().with_resources(resources)
        self.operations = [
            (
                re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)), re.IGNORECASE),
                method.upper(),
                operation,
                uri,
            )
            for uri, document in self.documents.items()
            for path, methods in document.get("paths", {}).items()
            for method, operation in methods.items()
        ]
        self.covered: Counter[str] = Counter()
        self.judged: set[str] = set()

    def check(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer; nothing when no definition speaks of it."""
        for pattern, of, operation, uri in self.operations:
            if of != method or not pattern.fullmatch(path):
                continue
            responses = operation["responses"]
            response = responses.get(str(status), responses.get("default") if status >= 400 else None)
            if response is None:
                return [f"{operation['operationId']}: {status} is not defined"] if status < 400 else []
            self.covered[f"{operation['operationId']} {status}"] += 1
            if "schema" not in response:
                return [f"{operation['operationId']}: {status} has no body"] if body else []
            return self._problems(response["schema"], body, uri)
        return []

    def _problems(self, schema: dict[str, Any], body: Any, uri: str) -> list[str]:
        absolute = {"$ref": urljoin(uri, schema["$ref"])} if "$ref" in schema else schema
        validator = jsonschema.Draft4Validator(absolute, registry=self.registry)
        found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
        return found + self._unknown(schema, body, uri, "$")

    def _target(self, schema: dict[str, Any], uri: str) -> tuple[dict[str, Any], str]:
        while "$ref" in schema:
            whole = urljoin(uri, schema["$ref"])
            uri, fragment = urldefrag(whole)
            node: Any = self.documents[uri]
            for part in fragment.strip("/").split("/"):
                node = node[part]
            self.judged.add(fragment.rpartition("/")[2])
            schema = node
        return schema, uri

    def _members(self, schema: dict[str, Any], uri: str) -> dict[str, tuple[Any, str]]:
        schema, uri = self._target(schema, uri)
        found = {name: (each, uri) for name, each in schema.get("properties", {}).items()}
        for each in schema.get("allOf", []):
            found = {**self._members(each, uri), **found}
        return found

    def _unknown(self, schema: dict[str, Any], value: Any, uri: str, path: str) -> list[str]:
        """jsonschema lets unknown members pass; a server that has them was not understood."""
        target, base = self._target(schema, uri)
        if isinstance(value, list):
            items = target.get("items", {})
            return [each for entry in value for each in self._unknown(items, entry, base, f"{path}[]")]
        members = self._members(schema, uri)
        if not isinstance(value, dict) or not members:
            return []
        found = []
        for name, inner in value.items():
            if name not in members:
                found.append(f"{path}.{name} is not defined")
            else:
                found += self._unknown(*_swapped(members[name], inner), f"{path}.{name}")
        return found


def _swapped(member: tuple[Any, str], value: Any) -> tuple[Any, Any, str]:
    return member[0], value, member[1]
