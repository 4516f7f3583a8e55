"""Sources as the compiler wants them: dataclasses spelled out, line by line where they were.

Owns: two things that mypyc leaves to the interpreter or loses, put into a copy of the sources
before they are compiled. The `__init__` of a dataclass: the standard library writes it when the
program runs, so it would stay interpreted, an eighth of all that an order costs. And what a field
holds: of `list[Waiting]` or `Nanos | None` a compiled class keeps `list` and `object`, by which
msgspec could not read a journal.
May not know: what the classes are for.

`__init__` takes the place of the class's docstring, all on its first line, so that a traceback
through compiled code names the lines of the source.

msgspec makes objects without `__init__` and sets every field; copies are made through `__init__`,
which the compiler insists on. So such a class has no bases and no heirs: its methods are then
called directly, and not through a table that nobody filled in.
"""

from __future__ import annotations

import ast
from pathlib import Path

WORDS = {"default", "default_factory", "repr"}
"""What `field(...)` may say."""


def spell_out(path: Path) -> None:
    """Rewrite a source file. A dataclass that is more than fields and methods, or frozen, keeps the
    `__init__` that it gets when the program runs."""
    source = path.read_text(encoding="utf-8")
    lines, told = source.splitlines(), []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and (call := _dataclass_call(node)) is not None:
            fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
            told.append(_annotations(node.name, fields))
            if _is_plain(node, call, fields):
                told.append(_copies(node.name, fields))
                _write_init(lines, node, call, fields)
    path.write_text("\n".join([*lines, *told, ""]), encoding="utf-8")


def _dataclass_call(node: ast.ClassDef) -> ast.Call | None:
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "dataclass":
            return each
    return None


def _is_plain(node: ast.ClassDef, call: ast.Call, fields: list[ast.AnnAssign]) -> bool:
    """Whether the class is fields and methods, with a docstring to take the place of."""
    options = {word.arg for word in call.keywords}
    if node.bases or ast.get_docstring(node) is None or not options <= {"slots", "eq"}:
        return False
    is_shared = any("ClassVar" in ast.unparse(each.annotation) for each in fields)
    return not is_shared and all(_words(each).keys() <= WORDS for each in fields)


def _words(field: ast.AnnAssign) -> dict[str | None, str]:
    """What `field(...)` says of a field; nothing where it has a plain default or none."""
    value = field.value
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        return {word.arg: ast.unparse(word.value) for word in value.keywords}
    return {}


def _annotations(name: str, fields: list[ast.AnnAssign]) -> str:
    texts = {ast.unparse(each.target): ast.unparse(each.annotation) for each in fields}
    return f'vars({name})["__annotations__"].update({texts!r})'


def _copies(name: str, fields: list[ast.AnnAssign]) -> str:
    values = "".join(f"it.{ast.unparse(each.target)}, " for each in fields)
    return f'__import__("copyreg").pickle({name}, lambda it: ({name}, ({values})))'


def _write_init(
    lines: list[str], node: ast.ClassDef, call: ast.Call, fields: list[ast.AnnAssign]
) -> None:
    """Tell the decorator to leave `__init__` alone, and put it where the docstring was."""
    parameters, steps = ["self"], []
    for each in fields:
        name, kind = ast.unparse(each.target), ast.unparse(each.annotation)
        default, factory = _default(each)
        if factory:
            parameters.append(f"{name}: {kind} | None = None")
            steps.append(f"self.{name} = {factory} if {name} is None else {name}")
        else:
            parameters.append(f"{name}: {kind}{default}")
            steps.append(f"self.{name} = {name}")
    docstring = node.body[0]
    assert docstring.end_lineno is not None
    indent = " " * docstring.col_offset
    body = "; ".join(steps)
    lines[docstring.lineno - 1] = f"{indent}def __init__({', '.join(parameters)}) -> None: {body}"
    for number in range(docstring.lineno, docstring.end_lineno):
        lines[number] = ""
    at = call.lineno - 1
    lines[at] = lines[at].replace("dataclass(", "dataclass(init=False, ")


def _default(field: ast.AnnAssign) -> tuple[str, str]:
    """The default as it stands behind a parameter, or the expression that makes a new one."""
    words = _words(field)
    if "default_factory" in words:
        return "", f"({words['default_factory']})()"
    if "default" in words:
        return f" = {words['default']}", ""
    return (f" = {ast.unparse(field.value)}" if field.value is not None else ""), ""
