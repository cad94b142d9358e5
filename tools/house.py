# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house that no linter knows, counted in the source; prints each place that breaks one."""

from __future__ import annotations

import ast
import functools
import io
import re
import subprocess
import sys
import tokenize
import tomllib
import typing as t
from pathlib import Path

import yaml

ANSIBLE_FILES = ("plugins/module_utils/_module.py", "plugins/plugin_utils/_action.py")
"""They alone know Ansible: one for a task in a module, one for a task inside the controller."""
ONLY_IN_ANSIBLE_FILES = {"check_mode", "exit_json", "fail_json"}
LONGEST_FILE = 400
WITHOUT_NETWORK = {"IMPORT_ERROR", "pydantic"}  # what a pure file may take from _deps
IMPURE = {"anyio", "httpx", "os", "pathlib", "random", "secrets", "socket", "ssl", "subprocess", "time", "trio", "uuid"}
CLOCKS = {"time.sleep", "time.time", "datetime.now", "datetime.utcnow", "datetime.datetime.now", "datetime.today"}
BUILT_IN = {
    "bool",
    "bytes",
    "date",
    "datetime",
    "dict",
    "float",
    "int",
    "list",
    "object",
    "set",
    "str",
    "timedelta",
    "tuple",
}
COLLECTION = "ansible_collections.hybridvm.checkpoints."
LICENSE_LINE = "# SPDX-License-Identifier: GPL-3.0-or-later"

# An exception to a tool's rule must say why, after the rule's name.
EXCEPTION = re.compile(r"#\s*(type: *ignore|noqa|pragma: *no +(?:cover|branch)|pylint: *disable)\b(?P<rest>.*)", re.I)
RULE_NAME = re.compile(r"^(\[[\w\s,-]+\]|[:=]\s*[\w-]+(,\s*[\w-]+)*)?\s*([-#:]+)?\s*")
# Somebody's own directories have no business in a repository.
PRIVATE_PATH = re.compile(r"(?<![\w.}])/(?:work|root|home/\w+|Users/\w+)/\S")

Finding = tuple[int, str]


@functools.lru_cache(maxsize=1)  # one rule after another goes through the same file
def nodes(tree: ast.AST) -> list[ast.AST]:
    """Every node of a file, the outer before the inner."""
    return list(ast.walk(tree))


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for such an expression, and nothing for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def names(tree: ast.AST) -> t.Iterator[tuple[int, str]]:
    """Yield line and text of every name that the code itself uses; words in strings are not among them."""
    for node in nodes(tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.end_lineno or node.lineno, node.attr
        elif isinstance(node, ast.arg | ast.keyword) and node.arg:
            yield node.lineno, node.arg


def ansible_names(path: str, tree: ast.AST) -> t.Iterator[Finding]:
    """Only two files speak to Ansible, and each asks for check mode once."""
    used = [(line, name) for line, name in names(tree) if name in ONLY_IN_ANSIBLE_FILES]
    if path not in ANSIBLE_FILES:
        yield from ((line, f"{name}: only {' and '.join(ANSIBLE_FILES)} may") for line, name in used)
        return
    asked = [node.lineno for node in nodes(tree) if isinstance(node, ast.Attribute) and node.attr == "check_mode"]
    yield from ((line, "check_mode is read a second time") for line in sorted(asked)[1:])


def broad_excepts(tree: ast.AST) -> t.Iterator[Finding]:
    """An except clause names what it expects."""
    for node in nodes(tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or dotted(kind) in {"Exception", "BaseException"} for kind in kinds):
                yield node.lineno, "an except clause that names no particular error"


def skips(tree: ast.AST) -> t.Iterator[Finding]:
    """A test that is skipped says why."""
    called: set[ast.expr] = set()
    for node in nodes(tree):
        if isinstance(node, ast.Call):
            reasons = [*node.args, *(keyword for keyword in node.keywords if keyword.arg in {"reason", "msg"})]
            needed = 2 if dotted(node.func).endswith(("skipif", "xfail")) and not node.keywords else 1
            if len(reasons) >= needed:
                called.add(node.func)
    for node in nodes(tree):
        if isinstance(node, ast.Attribute) and node not in called:
            name = dotted(node)
            if re.fullmatch(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)", name):
                yield node.lineno, f"{name} without a reason"


def clocks(tree: ast.AST) -> t.Iterator[Finding]:
    """Waiting is anyio's, and now is an argument, taken where Ansible is met."""
    for node in nodes(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in CLOCKS:
            yield node.lineno, f"{dotted(node.func)}: a clock of its own"


def provider_questions(tree: ast.AST) -> t.Iterator[Finding]:
    """The core asks for capabilities, not for the service."""
    for node in nodes(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(dotted(side).rpartition(".")[2] == "provider" for side in sides) and any(
                isinstance(side, ast.Constant | ast.Tuple | ast.Set | ast.List) for side in sides
            ):
                yield node.lineno, "asks which provider it is: ask its capabilities"


def unreadable_documentation(tree: ast.AST) -> t.Iterator[Finding]:
    """What Ansible reads as YAML is YAML."""
    for node in nodes(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            name = dotted(node.targets[0])
            try:
                if name.isupper():
                    yaml.safe_load(node.value.value)
            except yaml.MarkedYAMLError as error:
                line = error.problem_mark.line if error.problem_mark else 0
                yield node.lineno + line, f"{name} is not YAML: {error.problem}"


def impurities(tree: ast.AST) -> t.Iterator[Finding]:
    """A pure file has no input, no output, no clock and no chance."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, f"imports {a.name} in a pure file") for a in node.names if a.name in IMPURE)
        elif isinstance(node, ast.ImportFrom):
            if not node.level and node.module in IMPURE:
                yield node.lineno, f"imports {node.module} in a pure file"
            if node.level and node.module == "_deps":
                for alias in node.names:
                    if alias.name not in WITHOUT_NETWORK:
                        yield node.lineno, f"imports {alias.name} in a pure file"


def sanity_traps(tree: ast.AST) -> t.Iterator[Finding]:
    """What ansible-test sanity's pylint would say much later."""
    for node in nodes(tree):
        if isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store):
            yield node.lineno, "the name _ is not allowed by sanity: use _something"
        if isinstance(node, ast.arg) and node.arg == "_":
            yield node.lineno, "the name _ is not allowed by sanity: use _something"
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call) and not node.value.keywords:
            name = node.value.func.attr if isinstance(node.value.func, ast.Attribute) else ""
            if name in {"split", "rsplit"} and len(node.value.args) == 1 and ast.unparse(node.slice) in {"0", "-1"}:
                yield node.lineno, f"{name} for one part: use partition, or maxsplit"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node):
            rest = node.body[1:]
            if rest and isinstance(rest[0], ast.Expr) and ast.unparse(rest[0]) == "...":
                yield rest[0].lineno, "the docstring is body enough: no ... after it"


def is_class(node: ast.expr) -> bool:
    """Tell by its spelling whether an expression is a class, or None in a class's place."""
    if isinstance(node, ast.Subscript):
        return is_class(node.value)
    if isinstance(node, ast.Constant):
        return node.value is None
    name = dotted(node).rpartition(".")[2].lstrip("_")
    return name in BUILT_IN or (name[:1].isupper() and not name.isupper())


def runtime_unions(tree: ast.AST) -> t.Iterator[Finding]:
    """Sanity's pylint reads plugins as Python 3.8, where classes have no | outside annotations."""
    hints = [node.annotation for node in nodes(tree) if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation]
    hints += [
        node.returns
        for node in nodes(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns
    ]
    inside = {inner for hint in hints for inner in ast.walk(hint)}
    for node in nodes(tree):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.BitOr) or node in inside:
            continue
        if is_class(node.left) and is_class(node.right):
            yield node.lineno, "a union of classes at run time: t.Union or t.Optional, and a tuple for isinstance"


def exceptions(source: str) -> t.Iterator[Finding]:
    """Each exception to a tool's rule gives its reason in the same comment."""
    if not EXCEPTION.search(source):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        found = EXCEPTION.search(token.string) if token.type == tokenize.COMMENT else None
        if found and not RULE_NAME.sub("", found["rest"].strip()):
            yield token.start[0], f"{found[1]} without a reason"


def python_findings(path: str, source: str, pure: t.Container[str]) -> t.Iterator[Finding]:
    """Check one Python file; its path decides which rules apply."""
    tree = ast.parse(source)
    yield from exceptions(source)
    yield from skips(tree)
    yield from sanity_traps(tree)
    if source and LICENSE_LINE not in source.splitlines()[:5]:
        yield 1, f"lacks the line {LICENSE_LINE!r} at its head"
    top = path.partition("/")[0]
    if top in {"plugins", "simulator", "tools"} and not path.startswith("plugins/modules/"):
        length = source.count("\n")
        if length > LONGEST_FILE:
            yield length, f"has more than {LONGEST_FILE} lines"
    if top == "plugins":
        yield from ansible_names(path, tree)
        yield from broad_excepts(tree)
        yield from runtime_unions(tree)
    if path.startswith(("plugins/modules/", "plugins/doc_fragments/")):
        yield from unreadable_documentation(tree)
    if path.startswith(("plugins/module_utils/", "plugins/plugin_utils/", "plugins/action/")):
        if path not in ANSIBLE_FILES:
            yield from clocks(tree)
        yield from provider_questions(tree)
    if module_of(path) in pure:
        yield from impurities(tree)
    elif path.startswith("plugins/module_utils/") and re.search(r"\bPure\.$", ast.get_docstring(tree) or "", re.M):
        yield 3, "promises to be pure: pyproject.toml, [tool.house] pure, is to name it"


def imports_of(path: str, tree: ast.AST, modules: t.Container[str]) -> t.Iterator[tuple[str, int]]:
    """Yield the modules among `modules` that a file imports, wherever in it, and the line."""
    here = path.removesuffix(".py").split("/")
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = here[: -node.level] if node.level else []
            parent = ".".join([*base, *([node.module] if node.module else [])]).removeprefix(COLLECTION)
            for alias in node.names:
                inside = f"{parent}.{alias.name}"
                if (found := inside if inside in modules else parent) in modules:
                    yield found, node.lineno


def circles(sources: t.Mapping[str, str]) -> t.Iterator[tuple[str, Finding]]:
    """No file imports itself by way of others; `sources` are texts by path. One finding a circle, at its first file."""
    paths = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in sorted(sources)}
    imports = {
        module: {name: line for name, line in imports_of(path, ast.parse(sources[path]), paths) if name != module}
        for module, path in paths.items()
    }
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> t.Iterator[tuple[str, Finding]]:
        if module in way:
            circle = way[way.index(module) :]
            first = circle.index(min(circle))
            circle = [*circle[first:], *circle[:first]]
            line = imports[circle[0]][circle[1 % len(circle)]]
            yield paths[circle[0]], (line, f"a circle of imports: {' -> '.join([*circle, circle[0]])}")
        elif module not in done:
            for name in imports[module]:
                yield from walk(name, [*way, module])
            done.add(module)

    for module in paths:
        yield from walk(module, [])


def text_findings(text: str) -> t.Iterator[Finding]:
    """Check any text file."""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := PRIVATE_PATH.search(line):
            yield number, f"names somebody's own directory: {found[0]}"


def module_of(path: str) -> str:
    """Name a file as pyproject.toml's list of pure ones does: `_core/plan` of module_utils, `plugin_utils/_where`."""
    name = path.rpartition("plugins/")[2] if "plugins/" in path else path
    return name.removeprefix("module_utils/").removesuffix(".py")


def path_of(module: str) -> str:
    """The file that such a name means."""
    room = "plugins" if module.startswith("plugin_utils/") else "plugins/module_utils"
    return f"{room}/{module}.py"


def pure_files(root: Path) -> frozenset[str]:
    """Return the names of the files that promise to be pure."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    named = frozenset(settings["tool"]["house"]["pure"])
    missing = sorted(name for name in named if not (root / path_of(name)).is_file())
    if missing:
        raise SystemExit(f"pyproject.toml: [tool.house] pure names what is not there: {', '.join(missing)}")
    return named


def findings(root: Path) -> t.Iterator[str]:
    """Check every file that git knows or would take in."""
    pure = pure_files(root)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    sources: dict[str, str] = {}
    for path in sorted(set(listed.split("\0")) - {""}):
        file = root / path
        if not file.is_file():
            continue
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found = list(text_findings(text))
        if file.suffix == ".py":
            sources[path] = text
            found += python_findings(path, text, pure)
        yield from (f"{path}:{line}: {message}" for line, message in sorted(found))
    yield from (f"{path}:{line}: {message}" for path, (line, message) in circles(sources))


def main() -> int:
    """Print the findings; any is a failure."""
    found = list(findings(Path.cwd()))
    for line in found:
        sys.stderr.write(line + "\n")
    if not found:
        sys.stdout.write("The house's rules: kept.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
