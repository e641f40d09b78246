"""The code that computes a stage's result, as digests that formatting, comments, docstrings and types do not change."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pipeline  # noqa: F401 - all stages, by being imported
from tasks.stage.stage import Stage

TABLE = Path(__file__).parent / "tasks" / "stage_versions.json"
LIBRARY = ("seizures.", "models.")
# What these decide is in every key already (the values that they parse), or they decide nothing of a result.
IN_THE_KEY = {
    *(
        "seizures.errors",
        "seizures.settings",
        "seizures.manifest.recordings",
        "seizures.manifest.table",
        "seizures.classification.threads",
    ),
    "models.errors",
}
READ_BY = {  # files that a module reads, beside it
    "seizures.inspection.page": ("templates/inspection.html.j2",),
    "seizures.report.page": ("templates/report.html.j2", "templates/baselines.html.j2"),
    "seizures.report.protocol_page": ("templates/protocols.html.j2", "templates/small_page.html.j2"),
    "seizures.report.snippet_page": (
        "templates/snippets.html.j2",
        "templates/snippet_training.html.j2",
        "templates/snippet_precision.html.j2",
        "templates/small_page.html.j2",
    ),
}
_TYPES_ONLY = {"__future__", "typing", "collections.abc", "types"}
_SKIPPED_FIELDS = {"ctx", "annotation", "returns", "type_comment", "type_params", "kind", "simple"}


def stages() -> dict[str, type[Stage]]:
    """Return every stage by name; importing the pipeline has imported them."""
    found = {item.__name__: item for item in Stage.__subclasses__() if item.__module__.startswith("tasks.")}
    return dict(sorted(found.items()))


def present(stage: type[Stage]) -> dict[str, Any]:
    """Return the version of a stage, and the digest of every piece of code that computes its result."""
    return {"version": stage.version, "code": dict(sorted(code_of(stage).items()))}


def recorded() -> dict[str, Any]:
    """Return the committed table."""
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def code_of(stage: type[Stage]) -> dict[str, str]:
    """Return digests by name: the class with what it uses of its file, and each module of the library below it."""
    own, modules = _own_code(stage)
    found = {f"{stage.__module__}.{stage.__name__}": digest(own)}
    for module in sorted(_closure(modules)):
        found[module] = _module_digest(module)
        for file in READ_BY.get(module, ()):
            name = f"{module.replace('.', '/').rpartition('/')[0]}/{file}"
            path = _source_file(module).parent / file
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return found


def digest(nodes: list[ast.AST]) -> str:
    """Return 12 hex digits that stand for what the code does."""
    return hashlib.sha256(json.dumps([_plain(node) for node in nodes]).encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    """Turn a syntax tree into lists that hold what is executed, the same in every version of Python."""
    if isinstance(value, list):
        return [_plain(item) for item in value if not _is_inert(item)]
    if not isinstance(value, ast.AST):
        return repr(value)
    fields = ((name, getattr(value, name, None)) for name in value._fields if name not in _SKIPPED_FIELDS)
    return [type(value).__name__, *([name, _plain(item)] for name, item in fields if item not in (None, []))]


def _is_inert(node: Any) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)  # a docstring
    if isinstance(node, ast.ImportFrom):
        return node.module in _TYPES_ONLY
    if isinstance(node, ast.Assign):  # the version is compared by itself
        return [getattr(target, "id", "") for target in node.targets] == ["version"]
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"


def _own_code(stage: type[Stage]) -> tuple[list[ast.AST], set[str]]:
    """Return the class and what it uses of its own file, and the library's modules that these name."""
    tree = _tree(stage.__module__)
    defined = {name: node for node in tree.body for name in _defined_names(node)}
    imported = dict(_imported_names(tree))
    found: dict[str, ast.AST] = {}
    modules: set[str] = set()
    waiting = [stage.__name__]
    while waiting:
        name = waiting.pop()
        if name in found or name not in defined or (name in stages() and name != stage.__name__):
            continue
        found[name] = defined[name]
        inner = {**imported, **dict(_imported_names(defined[name]))}
        for node in ast.walk(defined[name]):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "models":
                modules.add(_module_of("models", node.attr))
            elif isinstance(node, ast.Name):
                waiting.append(node.id)
                modules.add(inner.get(node.id, ""))
    return [found[name] for name in sorted(found)], modules


def _defined_names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [item.id for target in targets for item in ast.walk(target) if isinstance(item, ast.Name)]
    return []


def _imported_names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each name that is imported from the library, and the module that it comes from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith(LIBRARY):
            yield from ((alias.asname or alias.name, _module_of(node.module, alias.name)) for alias in node.names)


def _module_of(package: str, name: str) -> str:
    """Return the module that `from package import name` comes from: a submodule, or where a package's door leads."""
    if _source_file(package).name != "__init__.py":
        return package
    if importlib.util.find_spec(f"{package}.{name}"):
        return f"{package}.{name}"
    doors = _imported_names(_tree(package))  # a lazy package imports behind its doors for the type checker at least
    return next(module for door, module in doors if door == name)


def _closure(modules: set[str]) -> set[str]:
    """Add the library's modules that these import, and so on; without those whose matter is in the key."""
    found: set[str] = set()
    waiting = set(modules)
    while waiting:
        module = waiting.pop()
        if module.startswith(LIBRARY) and module not in found | IN_THE_KEY:
            found.add(module)
            body = [node for node in _tree(module).body if not _is_inert(node)]
            waiting.update(origin for node in body for _, origin in _imported_names(node))
    return found


@functools.cache
def _module_digest(module: str) -> str:
    return digest([_tree(module)])


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_source_file(module).read_text(encoding="utf-8"))


def _source_file(module: str) -> Path:
    spec = importlib.util.find_spec(module)  # which does not import it, and torch with it
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)
