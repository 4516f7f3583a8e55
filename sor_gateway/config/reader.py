"""Files and environment to validated models.

Owns: where each value came from, and errors that name file, key, value, what was expected and a
remedy.
May not know: what the values are for.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from sor_gateway.config.models import CalendarModel, GatewayFile, StrategyModel, VenueModel
from sor_gateway.config.securities import SecuritiesError, Security, read_securities

PREFIX: Final = "SOR__"

M = TypeVar("M", bound=BaseModel)


class ConfigError(ValueError):
    """The configuration is wrong; `problems` has one line for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Reader:
    """Files and environment to validated models; mistakes are collected."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self.venues: dict[str, VenueModel] = {}
        self.strategies: dict[str, StrategyModel] = {}
        self.calendars: dict[str, CalendarModel] = {}
        self.securities: dict[str, Security] = {}
        self.gateway: GatewayFile
        self.folder = folder
        self.environ = environ
        self._origins: dict[tuple[str, ...], str] = {}

    def shown(self, *parts: str) -> str:
        """How a file is named in errors."""
        return str(self.folder.joinpath(*parts))

    def stop_if_wrong(self) -> None:
        """Raise what was found."""
        if self.problems:
            raise ConfigError(self.problems)

    def read(self) -> None:
        """Read everything."""
        tree: dict[str, Any] = self._toml("gateway.toml")
        names = sorted(path.stem for path in self.folder.joinpath("venues").glob("*.toml"))
        tree["venues"] = {name: self._toml("venues", f"{name}.toml") for name in names}
        tree["strategies"] = self._toml("strategies.toml")
        tree["calendars"] = self._toml("calendar.toml")
        self.stop_if_wrong()
        for variable in sorted(self.environ):
            if variable.startswith(PREFIX):
                self._overlay(tree, variable, self.environ[variable])
        self._tables("venues", tree, VenueModel, self.venues)
        self._tables("strategies", tree, StrategyModel, self.strategies)
        self._tables("calendars", tree, CalendarModel, self.calendars)
        gateway = self._validate(GatewayFile, tree, (), self.shown("gateway.toml"))
        if gateway is not None:
            self.gateway = gateway
        self._read_securities()

    def _tables(self, kind: str, tree: dict[str, Any], model: type[M], into: dict[str, M]) -> None:
        """Validate tables of one kind, by name."""
        for name, data in tree.pop(kind).items():
            shown = {
                "venues": self.shown("venues", f"{name}.toml"),
                "strategies": self.shown("strategies.toml"),
                "calendars": self.shown("calendar.toml"),
            }[kind]
            validated = self._validate(model, data, (kind, name), shown)
            if validated is not None:
                into[name] = validated

    def _read_securities(self) -> None:
        shown = self.shown("securities.csv")
        try:
            self.securities = read_securities(self.folder / "securities.csv", shown)
        except SecuritiesError as error:
            self.problems += error.problems
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(f"{shown}: cannot be read: {error}; see the shipped config/")

    def _toml(self, *parts: str) -> dict[str, Any]:
        shown = self.shown(*parts)
        try:
            text = self.folder.joinpath(*parts).read_text(encoding="utf-8")
            return tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            self.problems.append(f"{shown}: not TOML: {error}; texts need quotes")
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(f"{shown}: cannot be read: {error}; see the shipped config/")
        return {}

    def _overlay(self, tree: dict[str, Any], variable: str, text: str) -> None:
        """Put one variable into the tree."""
        parts = variable.removeprefix(PREFIX).split("__")
        node, path = tree, list[str]()
        for depth, part in enumerate(parts):
            known = {key: _as_variable(key) for key in node}
            key = next((key for key, name in known.items() if name == part.upper()), None)
            last = depth == len(parts) - 1
            if key is None and not last and path in (["venues"], ["strategies"], ["calendars"]):
                self.problems.append(
                    f"environment {variable}: no {path[0][:-1]} {part.lower().replace('_', '-')!r};"
                    f" there are {', '.join(sorted(node))}"
                )
                return
            key = key or part.lower()
            path.append(key)
            if last:
                node[key] = _value_of(text)
                self._origins[tuple(path)] = variable
            else:
                node = node.setdefault(key, {})
                if not isinstance(node, dict):
                    self.problems.append(
                        f"environment {variable}: `{key}` is a value and has no keys;"
                        f" use {PREFIX}{'__'.join(parts[: depth + 1])}"
                    )
                    return

    def _validate(
        self, model: type[M], data: object, prefix: tuple[str, ...], shown: str
    ) -> M | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for one in error.errors():
                self.problems.append(self._explain(model, dict(one), prefix, shown))
            return None

    def _explain(
        self, model: type[BaseModel], error: dict[str, Any], prefix: tuple[str, ...], shown: str
    ) -> str:
        """What is wrong, where, what was expected, and what to do about it."""
        found = _look_up(model, tuple(str(part) for part in error["loc"]))
        loc, key = found.loc, found.loc[-1] if found.loc else ""
        path = prefix + loc
        variable = self._origin(path)
        # Venues have a file each; in the other files the name is a section.
        section = ".".join(loc[:-1] if prefix[:1] in ((), ("venues",)) else path[1:-1])
        where = f"environment {variable}" if variable else f"{shown} [{section}]"
        where = where.removesuffix(" []")
        if error["type"] == "extra_forbidden":
            close = difflib.get_close_matches(key, list(found.owner.model_fields), 1)
            hint = f"did you mean `{close[0]}`?" if close else "remove it"
            return f"unknown key `{key}` in {where}; {hint}"
        setting = f"{PREFIX}{'__'.join(_as_variable(part) for part in path)}"
        if error["type"] == "missing":
            return (
                f"missing key `{key}` in {where}: expected {found.expected}; add it or set"
                f" {setting}"
            )
        value = _shown_value(error["input"])
        remedy = "change it there" if variable else f"change it there or set {setting}"
        return f"{where}: {key} = {value}: expected {found.expected}; {remedy}"

    def _origin(self, path: tuple[str, ...]) -> str | None:
        """The variable that set this key, or the table that it stands in or for."""
        for origin, variable in self._origins.items():
            depth = min(len(origin), len(path))
            if origin[:depth] == path[:depth]:
                return variable
        return None


def _value_of(text: str) -> object:
    """A variable's value: lists and tables as TOML, all else as the text that it is."""
    if text[:1] in ("[", "{"):
        try:
            return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
        except tomllib.TOMLDecodeError:
            return text  # the model says what it expected
    return text


def _as_variable(key: str) -> str:
    return key.upper().replace("-", "_")


def _shown_value(value: object) -> str:
    if isinstance(value, Decimal | date):
        return str(value)
    return repr(value)


@dataclass(slots=True)
class _Found:
    """What a mistake is about."""

    loc: tuple[str, ...]
    """Its place down to the key; items of a list or table that is a value are left away."""
    owner: type[BaseModel]
    """The model that has, or does not have, the key."""
    expected: str


def _look_up(model: type[BaseModel], loc: tuple[str, ...]) -> _Found:
    """Follow the place of a mistake through the models."""
    found = _Found(loc, model, "a table")
    for depth, part in enumerate(loc):
        known = found.owner.model_fields.get(part)
        if known is None:
            continue  # the name of a table in a dict of tables, or an unknown key
        found.expected = known.description or "a table"
        inner = _inner_model(known.annotation)
        if inner is None:
            found.loc = loc[: depth + 1]
            break
        if depth + 1 < len(loc):
            found.owner = inner
    return found


def _inner_model(annotation: object) -> type[BaseModel] | None:
    """The model inside `Model`, `Model | None` or `dict[str, Model]`."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
