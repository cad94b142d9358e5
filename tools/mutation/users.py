# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses a name: for what runs when a file is imported, no coverage says which tests depend on it."""

from __future__ import annotations

import ast
import typing as t
from collections import defaultdict

Span = tuple[str, int, int]  # a file, and the first and last line of a statement in a function


class Users:
    """The statements that use a name, and the names that are made of others at import time."""

    def __init__(self) -> None:
        self._spans: defaultdict[str, set[Span]] = defaultdict(set)
        self._made_of: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, file: str, source: str) -> None:
        """Note who uses what in a file."""
        self._note(file, ast.parse(source), inside=False)

    def _note(self, file: str, node: ast.AST, *, inside: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                span = (file, child.body[0].lineno, child.end_lineno or child.lineno)
                self._spans[child.name].add(span)
                self._note(file, child, inside=True)
            elif isinstance(child, ast.ClassDef):
                self._note(file, child, inside=False)
            elif isinstance(child, ast.stmt) and inside:
                body = getattr(child, "body", None)
                last = body[0].lineno - 1 if body else child.end_lineno
                for name in _names(child):
                    self._spans[name].add((file, child.lineno, max(child.lineno, last or 0)))
                self._note(file, child, inside=True)
            elif isinstance(child, ast.stmt):
                used = _names(child)
                made = {each.id for each in ast.walk(child) if isinstance(each, ast.Name) and not _is_read(each)}
                for name in used - made:
                    self._made_of[name] |= made
                self._note(file, child, inside=False)
            elif not isinstance(child, ast.expr):
                self._note(file, child, inside=inside)

    def of(self, names: t.Iterable[str]) -> set[Span]:
        """The statements that use one of the names, or one that is made of it."""
        todo, seen = list(names), set[str]()
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += self._made_of.get(name, ())
        return {span for name in seen for span in self._spans.get(name, ())}


def _names(node: ast.AST) -> set[str]:
    """What a statement names; of one with a body, its head."""
    found: set[str] = set()
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.stmt):
            continue
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Attribute):
            found.add(each.attr)
        elif isinstance(each, ast.keyword) and each.arg:
            found.add(each.arg)
        found |= _names(each)
    return found


def _is_read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)
