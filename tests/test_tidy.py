"""Tests of the code's own form: what the house rules ask for and no other tool checks.

A rule is a function from a file to what is wrong in it. Each has samples of its own, bad and good:
a check that cannot fail is not a check.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
FILE_LINES_MAX: Final = 500
FUNCTION_LINES_MAX: Final = 70

# What may be larger, up to which size, and why (ARCHITECTURE: a bigger one needs a reason, not a
# split at random). An entry that is not needed any more fails too.
LARGE_FILES: Final[dict[str, tuple[int, str]]] = {
    "sor_gateway/client/session.py": (
        600,
        "the EMS's whole session layer: an outsider that may import nothing of fix/",
    ),
    "sor_gateway/fix/session.py": (
        1_100,
        "all control flow of a FIX session; its tables, checks, timers and writing are apart",
    ),
}
LARGE_FUNCTIONS: Final[dict[str, tuple[int, str]]] = {}

MACHINES: Final = (
    *("sor_gateway/fix/", "sor_gateway/sor/", "sor_gateway/translate/"),
    *("venue_sims/matching/", "venue_sims/flow/", "venue_sims/venue.py", "venue_sims/floor.py"),
    *("venue_sims/state.py", "venue_sims/commands.py", "venue_sims/facts.py"),
    *("venue_sims/reports.py", "venue_sims/fees.py", "venue_sims/kinds.py", "venue_sims/words.py"),
    *("venue_sims/latency.py", "venue_sims/faults/"),
)
"""What decides: no I/O, no clock, no chance, nothing that waits."""
MACHINE_TESTS: Final = (
    *("tests/fix/", "tests/sor/", "tests/translate/", "tests/journal/"),
    *("tests/venue_sims/matching/", "tests/venue_sims/flow/", "tests/venue_sims/test_venue"),
)


@dataclass(slots=True)
class Source:
    """One Python file."""

    path: str
    text: str
    set_attributes: frozenset[str] = frozenset()
    """Attributes that some machine annotates as a set."""
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text, self.path)
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                child.parent = node  # type: ignore[attr-defined]

    def at(self, node: ast.AST, text: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {text}"


Check = Callable[[Source], Iterable[str]]
RULES: Final[dict[str, Rule]] = {}


@dataclass(slots=True)
class Rule:
    """A check, where it holds, and what it must find and let pass."""

    check: Check
    holds: Callable[[str], bool]
    bad: list[str]
    good: list[str]


def rule(holds: Callable[[str], bool], bad: list[str], good: list[str]) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        RULES[check.__name__] = Rule(check, holds, bad, good)
        return check

    return register


def in_machines(path: str) -> bool:
    return path.startswith(MACHINES)


def in_machine_tests(path: str) -> bool:
    return path.startswith(MACHINE_TESTS)


def in_product(path: str) -> bool:
    return path.startswith(("sor_gateway/", "venue_sims/"))


def outside_tests(path: str) -> bool:
    return not path.startswith("tests/")


def everywhere(path: str) -> bool:
    return bool(path)


# --- what a machine may not do --------------------------------------------------------------

WORLDLY_MODULES: Final = frozenset(
    {
        *("time", "random", "secrets", "uuid", "socket", "select", "selectors", "ssl", "asyncio"),
        *("logging", "threading", "subprocess", "multiprocessing", "signal", "tempfile"),
        *("uvloop", "aiohttp", "structlog"),
    }
)
WORLDLY_CALLS: Final = re.compile(
    r"(datetime|date)\.(now|utcnow|today)|os\.(urandom|getrandom|times|getpid)|(np|numpy)\.random\.\w+"
)


@rule(
    in_machines,
    bad=[
        "import time",
        "import random as chance",
        "from uuid import uuid4",
        "import asyncio.events",
        "from datetime import datetime\nnow = datetime.now()",
        "import datetime\nnow = datetime.datetime.utcnow()",
        "import os\nseed = os.urandom(8)",
        "import numpy as np\nx = np.random.normal()",
    ],
    good=[
        "from sor_gateway.sor.types import Nanos",
        "from datetime import datetime\nmoment = datetime.fromtimestamp(now, UTC)",
        "import numpy as np\ndef draw(stream: np.random.Generator) -> float: ...",
    ],
)
def machines_know_no_clock_chance_or_socket(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            modules = []
        for module in modules:
            if module.split(".")[0] in WORLDLY_MODULES:
                yield source.at(node, f"imports {module}")
        if isinstance(node, ast.Call) and WORLDLY_CALLS.search(ast.unparse(node.func)):
            yield source.at(node, f"calls {ast.unparse(node.func)}")


@rule(
    in_machines,
    bad=[
        "async def f(): pass",
        "async def f():\n    await g()",
        "async def f():\n    async with g: pass",
    ],
    good=["def f(): return 'await'"],
)
def machines_do_not_wait(source: Source) -> Iterator[str]:
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    for node in ast.walk(source.tree):
        if isinstance(node, waiting):
            yield source.at(node, f"{type(node).__name__}: a machine runs to its end")


@rule(
    in_machines,
    bad=["key = hash(name)", "key = id(order)", "print('here')", "book = sorted(x, key=id)"],
    good=["def __hash__(self): return 1", "order.id = 3", "fields = {'id': 1}"],
)
def machines_use_no_hash_id_or_print(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Name) or node.id not in ("hash", "id", "print"):
            continue
        if isinstance(node.ctx, ast.Load) and not bound(source, node.id):
            yield source.at(node, f"{node.id}: differs from run to run, or is output")


def bound(source: Source, name: str) -> bool:
    """Whether a file gives a builtin's name to something of its own."""
    return any(
        (isinstance(node, ast.arg) and node.arg == name)
        or (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
        for node in ast.walk(source.tree)
    )


# --- sets have no order that two runs share ---------------------------------------------------

SET_TYPES: Final = frozenset({"set", "frozenset", "Set", "AbstractSet", "MutableSet", "FrozenSet"})
SET_METHODS: Final = frozenset(
    {"union", "intersection", "difference", "symmetric_difference", "copy"}
)
ORDERLESS: Final = frozenset(
    {"sorted", "set", "frozenset", "len", "sum", "any", "all", "min", "max"}
)
"""Calls to which the order of their argument means nothing; min and max without a key only."""
ORDERED: Final = frozenset(
    {"list", "tuple", "iter", "enumerate", "map", "filter", "zip", "reversed", "fromkeys", "join",
     "extend", "next"}
)  # fmt: skip
Functions: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def annotated_as_set(annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.Subscript):
        return annotated_as_set(annotation.value)
    if isinstance(annotation, ast.Attribute):
        return annotation.attr in SET_TYPES
    return isinstance(annotation, ast.Name) and annotation.id in SET_TYPES


def set_attributes_of(tree: ast.Module) -> set[str]:
    """Attributes that are annotated as sets: in class bodies, or as self.name."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and annotated_as_set(node.annotation):
            if isinstance(node.target, ast.Attribute):
                found.add(node.target.attr)
            elif isinstance(getattr(node, "parent", None), ast.ClassDef):
                assert isinstance(node.target, ast.Name)
                found.add(node.target.id)
    return found


class Sets:
    """What is a set in one file."""

    def __init__(self, source: Source) -> None:
        self._attributes = source.set_attributes | set_attributes_of(source.tree)
        self._names: dict[ast.AST, dict[str, bool]] = {}
        for node in ast.walk(source.tree):
            if isinstance(node, ast.arg) and annotated_as_set(node.annotation):
                self._note(node, node.arg, True)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self._note(node, node.target.id, annotated_as_set(node.annotation))
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._note(node, node.targets[0].id, self.has(node.value))

    def has(self, node: ast.expr) -> bool:
        """Whether an expression is a set."""
        if isinstance(node, ast.Set | ast.SetComp):
            return True
        if isinstance(node, ast.Name):
            return self._name_is_set(node)
        if isinstance(node, ast.Attribute):
            return node.attr in self._attributes
        if isinstance(node, ast.BinOp) and isinstance(
            node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor
        ):
            sides = (node.left, node.right)
            return any(self.has(side) or is_call_of(side, "keys") for side in sides)
        if isinstance(node, ast.IfExp):
            return self.has(node.body) or self.has(node.orelse)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                return node.func.id in ("set", "frozenset")
            if isinstance(node.func, ast.Attribute) and node.func.attr in SET_METHODS:
                return self.has(node.func.value)
        return False

    def _note(self, node: ast.AST, name: str, is_set: bool) -> None:
        names = self._names.setdefault(scope_of(node), {})
        names[name] = names.get(name, True) and is_set

    def _name_is_set(self, node: ast.Name) -> bool:
        scope: ast.AST | None = scope_of(node)
        while scope is not None:
            known = self._names.get(scope, {})
            if node.id in known:
                return known[node.id]
            scope = None if isinstance(scope, ast.Module) else scope_of(scope)
        return False


def scope_of(node: ast.AST) -> ast.AST:
    """The function, or the module, that a node stands in."""
    scope: ast.AST = node.parent  # type: ignore[attr-defined]
    while not isinstance(scope, (*Functions, ast.Module)):
        scope = scope.parent  # type: ignore[attr-defined]
    return scope


def is_call_of(node: ast.AST, *names: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in names


def order_matters(node: ast.AST) -> bool:
    """Whether anything can tell in which order a comprehension ran."""
    if isinstance(node, ast.SetComp):
        return False
    parent: ast.AST = node.parent  # type: ignore[attr-defined]
    if not is_call_of(parent, *ORDERLESS):
        return True
    assert isinstance(parent, ast.Call)
    return chooses_by_key(parent)


def chooses_by_key(node: ast.Call) -> bool:
    """Whether a call is min or max with a key: of equals the first one wins."""
    return is_call_of(node, "min", "max") and any(k.arg == "key" for k in node.keywords)


@rule(
    in_machines,
    bad=[
        "for x in {1, 2}: go(x)",
        "for x in set(names): go(x)",
        "out = [x for x in {y for y in z}]",
        "def f(names: set[str]):\n    for name in names: go(name)",
        "def f():\n    names = set()\n    return list(names)",
        "class A:\n    dirty: set[str]\n    def f(self):\n        for x in self.dirty: go(x)",
        "def __init__(self):\n    self.a: set[str] = set()\ndef f(self):\n    return [*self.a]",
        "def f(a: frozenset[str], b: list[str]):\n    return ','.join(a)",
        "def f(a: dict[str, int], b: dict[str, int]):\n    for x in a.keys() & b.keys(): go(x)",
        "def f(a: set[int]):\n    return {x: 1 for x in a}",
        "def f(a: set[int]):\n    return min(a, key=price)",
        "def f(a: set[int]):\n    return a.pop()",
        "def f(a: set[int]):\n    return [*a]",
        "def f(a: set[int], b: set[int]):\n    for x in a | b: go(x)",
    ],
    good=[
        "def f(names: set[str]):\n    for name in sorted(names): go(name)",
        "def f(a: set[int]):\n    return sorted(x + 1 for x in a)",
        "def f(a: set[int]):\n    return 3 in a, len(a), min(a), {x for x in a}",
        "def f(a: set[int]):\n    return any(x > 3 for x in a)",
        "def f(a: dict[str, int]):\n    for x in a: go(x)",
        "def f(a: set[int]):\n    b = sorted(a)\n    for x in b: go(x)",
        "def f(a: set[int]): pass\ndef g(a: list[int]):\n    for x in a: go(x)",
        "def f(a: list[int]):\n    return a.pop()",
    ],
)
def machines_iterate_over_no_unsorted_set(source: Source) -> Iterator[str]:
    sets = Sets(source)
    for node in ast.walk(source.tree):
        walked: list[ast.expr] = []
        if isinstance(node, ast.For):
            walked = [node.iter]
        elif isinstance(node, ast.ListComp | ast.DictComp | ast.GeneratorExp | ast.SetComp):
            walked = [part.iter for part in node.generators] if order_matters(node) else []
        elif isinstance(node, ast.Starred):
            walked = [node.value]
        elif isinstance(node, ast.Call):
            if is_call_of(node, *ORDERED) or chooses_by_key(node):
                walked = list(node.args)
            elif is_call_of(node, "pop") and not node.args:
                assert isinstance(node.func, ast.Attribute)
                walked = [node.func.value]
        for expression in walked:
            if sets.has(expression):
                yield source.at(node, f"goes through the set {ast.unparse(expression)}")


# --- size and shape ---------------------------------------------------------------------------


@rule(outside_tests, bad=["x = 1\n" * (FILE_LINES_MAX + 1)], good=["x = 1\n" * FILE_LINES_MAX])
def files_are_short(source: Source) -> Iterator[str]:
    lines = len(source.text.splitlines())
    limit, reason = LARGE_FILES.get(source.path, (FILE_LINES_MAX, ""))
    if lines > limit:
        yield f"{source.path}: {lines} lines, at most {limit}"
    elif reason and lines <= FILE_LINES_MAX:
        yield f"{source.path}: {lines} lines: needs no place in LARGE_FILES"


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if not body:
        return 0
    last = body[-1].end_lineno
    assert last is not None
    return last - body[0].lineno + 1


@rule(
    outside_tests,
    bad=["def f():\n" + "    x = 1\n" * (FUNCTION_LINES_MAX + 1)],
    good=[
        "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX,
        'def f():\n    """' + "long\n" * FUNCTION_LINES_MAX + '"""\n    return 1',
    ],
)
def functions_are_short(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines, key = function_lines(node), f"{source.path}:{node.name}"
        limit, reason = LARGE_FUNCTIONS.get(key, (FUNCTION_LINES_MAX, ""))
        if lines > limit:
            yield source.at(node, f"{node.name} has {lines} lines, at most {limit}")
        elif reason and lines <= FUNCTION_LINES_MAX:
            yield source.at(node, f"{node.name}: needs no place in LARGE_FUNCTIONS")


@rule(outside_tests, bad=["x = 1"], good=['"""What it owns."""', ""])
def modules_say_what_they_own(source: Source) -> Iterator[str]:
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield f"{source.path}: no docstring"


@rule(in_product, bad=[""], good=['"""What the package is for."""'])
def packages_of_the_product_are_not_anonymous(source: Source) -> Iterator[str]:
    if not source.text.strip():
        yield f"{source.path}: empty, without a docstring"


BROAD: Final = frozenset({"Exception", "BaseException"})


@rule(
    everywhere,
    bad=[
        "try: f()\nexcept: g()",
        "try: f()\nexcept Exception: pass",
        "try: f()\nexcept (ValueError, BaseException):\n    ...",
        "for x in y:\n    try: f()\n    except Exception: continue",
        "with contextlib.suppress(Exception): f()",
    ],
    good=[
        "try: f()\nexcept ValueError: pass",
        "try: f()\nexcept Exception:\n    note()\n    raise",
        "with suppress(ProcessLookupError): f()",
    ],
)
def no_error_is_swallowed(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield source.at(node, "except without a type")
            elif names_in(node.type) & BROAD and all(map(does_nothing, node.body)):
                yield source.at(node, "swallows every error")
        elif is_call_of(node, "suppress") and names_in(node) & BROAD:
            yield source.at(node, "suppresses every error")


def names_in(node: ast.AST) -> set[str]:
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}


def does_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass | ast.Continue) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


@rule(
    in_machine_tests,
    bad=[
        "import time\ntime.sleep(1)",
        "from time import sleep\nsleep(1)",
        "await asyncio.sleep(0)",
    ],
    good=["clock.now += 1"],
)
def no_test_of_a_machine_sleeps(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if is_call_of(node, "sleep"):
            yield source.at(node, "sleeps: a machine takes its time as an argument")


UNFINISHED: Final = re.compile(r"#.*\b(?:T[O]DO|F[I]XME|X{3}|H[A]CK)\b")


@rule(everywhere, bad=[f"x = 1  # {'todo'.upper()}: more"], good=["x = 1  # a plain remark"])
def nothing_is_put_off(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if UNFINISHED.search(line):
            yield f"{source.path}:{number}: {line.strip()}"


MACHINE_PATH: Final = re.compile(r"(?<![\w.$}])/(?:home|root|Users|work|tmp|mnt)/\w")


def machine_paths(name: str, text: str) -> list[str]:
    """Lines that name a folder of somebody's machine."""
    return [
        f"{name}:{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]


# --- the tests ---------------------------------------------------------------------------------


@cache
def files() -> list[str]:
    """What git knows, and what is there and not ignored, as paths with forward slashes."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        names = sorted(set(filter(None, listed.stdout.split("\0"))))
    else:  # an unpacked archive
        folders = ("sor_gateway", "venue_sims", "tests", "benchmarks", "config", "docs")
        paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
        names = sorted(path.relative_to(ROOT).as_posix() for path in paths)
    return [name for name in names if (ROOT / name).is_file() and "__pycache__" not in name]


@cache
def sources() -> list[Source]:
    parsed = [Source(name, (ROOT / name).read_text()) for name in files() if name.endswith(".py")]
    machines = [source for source in parsed if in_machines(source.path)]
    attributes = frozenset().union(*(set_attributes_of(source.tree) for source in machines))
    for source in parsed:
        source.set_attributes = attributes
    return parsed


class TestRules:
    """Each rule finds what it is there for, and lets pass what is right."""

    @pytest.mark.parametrize("name", sorted(RULES))
    def test_finds_each_bad_sample(self, name: str) -> None:
        found = [list(RULES[name].check(Source("sample.py", bad))) for bad in RULES[name].bad]
        assert found
        assert all(found), found

    @pytest.mark.parametrize("name", sorted(RULES))
    def test_lets_each_good_sample_pass(self, name: str) -> None:
        for good in RULES[name].good:
            assert list(RULES[name].check(Source("sample.py", good))) == []

    @pytest.mark.parametrize("name", sorted(RULES))
    def test_holds_somewhere(self, name: str) -> None:
        assert any(RULES[name].holds(source.path) for source in sources())

    def test_an_exception_for_size_that_is_not_needed_is_found(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(LARGE_FILES, "sample.py", (900, "a reason"))
        monkeypatch.setitem(LARGE_FUNCTIONS, "sample.py:f", (90, "a reason"))
        source = Source("sample.py", "def f(): pass")
        assert len(list(files_are_short(source))) == 1
        assert len(list(functions_are_short(source))) == 1

    def test_an_attribute_that_another_file_annotates_as_a_set_is_known(self) -> None:
        text = "def f(order):\n    for x in order.children: go(x)"
        assert list(machines_iterate_over_no_unsorted_set(Source("a.py", text))) == []
        source = Source("a.py", text, frozenset({"children"}))
        assert len(list(machines_iterate_over_no_unsorted_set(source))) == 1

    @pytest.mark.parametrize("folder", ["home", "root", "Users", "work", "tmp", "mnt"])
    def test_finds_a_path_of_a_machine(self, folder: str) -> None:
        assert machine_paths("a.md", f"see /{folder}/ann/notes") != []

    def test_lets_other_paths_pass(self) -> None:
        assert machine_paths("a.md", "see docs/work/a, $HOME/tmp/b, /proc/self, data/journal") == []


class TestTheCode:
    @pytest.mark.parametrize("name", sorted(RULES))
    def test_keeps_the_rule(self, name: str) -> None:
        each = RULES[name]
        found = [
            finding
            for source in sources()
            if each.holds(source.path)
            for finding in each.check(source)
        ]
        assert found == [], "\n" + "\n".join(found)

    def test_every_exception_for_size_names_something_that_is_there(self) -> None:
        known = {source.path for source in sources()}
        for source in sources():
            known |= {
                f"{source.path}:{node.name}"
                for node in ast.walk(source.tree)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            }
        assert {*LARGE_FILES, *LARGE_FUNCTIONS} - known == set()
        assert all(reason for _, reason in (LARGE_FILES | LARGE_FUNCTIONS).values())

    def test_no_file_names_a_folder_of_a_machine(self) -> None:
        found = []
        for name in files():
            try:
                text = (ROOT / name).read_text()
            except UnicodeDecodeError:
                continue  # not a text
            found += machine_paths(name, text)
        assert found == [], "\n" + "\n".join(found)
