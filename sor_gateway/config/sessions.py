"""A session's table to its settings: hours, credentials, and a dictionary of its own.

Owns: what stands behind the keys of [ems.NAME] and of [session]: files and variables that they
name.
May not know: where the values came from, what a session does with them.

Secrets are never keys of a file that people share: `password_env` names a variable of the
environment, `password_file` a file whose first line is the password. Relative paths begin at the
configuration's folder. No error shows a secret, or a value that might be one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from sor_gateway.config.models import WEEKDAYS, ScheduleModel, SessionModel
from sor_gateway.fix.dictionary import Dictionary
from sor_gateway.fix.errors import DictionaryError
from sor_gateway.fix.schedule import Schedule
from sor_gateway.fix.settings import Role, SessionSettings


@dataclass(slots=True)
class Identity:
    """Who talks to whom."""

    name: str
    begin_string: str
    ours: str
    theirs: str


class SessionTables:
    """Turns session tables into settings; mistakes are added to `problems`."""

    def __init__(self, folder: Path, environ: Mapping[str, str], problems: list[str]) -> None:
        self.dictionaries: dict[str, Dictionary] = {}
        """By name of the session: those that have one of their own."""
        self._folder = folder
        self._environ = environ
        self._problems = problems

    def settings(self, who: Identity, model: SessionModel, where: str) -> SessionSettings:
        """The settings of an initiator. `where` names file and table for errors."""
        self._read_dictionary(who, model, where)
        if model.send_next_expected and who.begin_string == "FIX.4.2":
            self._problems.append(
                f"{where}: send_next_expected = true: FIX.4.2 has no NextExpectedMsgSeqNum (789) in"
                " a Logon; remove it or speak FIX.4.4"
            )
        return SessionSettings(
            name=who.name,
            begin_string=who.begin_string,
            sender_comp_id=who.ours,
            target_comp_id=who.theirs,
            role=Role.INITIATOR,
            heart_bt_int_s=model.heart_bt_int_s,
            markers=model.markers,
            on_low_number=model.on_low_number,
            accept_reset=model.accept_reset,
            user_defined=model.user_defined,
            validation=model.validation,
            send_next_expected=model.send_next_expected,
            last_processed=model.last_processed,
            max_message_bytes=model.max_message_bytes,
            queue_limit=model.queue_limit,
            resend_chunk=model.resend_chunk,
            username=model.username or None,
            password=self._password(model, where),
            schedule=self._schedule(model.schedule, where),
        )

    def _read_dictionary(self, who: Identity, model: SessionModel, where: str) -> None:
        if not model.dictionary:
            return
        key = f"{where}: dictionary = {model.dictionary!r}"
        try:
            dictionary = Dictionary.load(self._folder / model.dictionary)
        except OSError as error:
            self._problems.append(f"{key}: cannot be read: {error.strerror}; correct the path")
        except (DictionaryError, UnicodeDecodeError) as error:
            self._problems.append(f"{key}: {error}; mend the file or remove the key")
        else:
            if dictionary.begin_string != who.begin_string:
                self._problems.append(
                    f"{key}: is of {dictionary.begin_string}, but the session speaks"
                    f" {who.begin_string}; name one of that version"
                )
            self.dictionaries[who.name] = dictionary

    def _password(self, model: SessionModel, where: str) -> str | None:
        """The password, from where the table says."""
        if model.password_env and model.password_file:
            self._problems.append(
                f"{where}: password_env and password_file are both there; keep one of them"
            )
            return None
        if not model.password_env and not model.password_file:
            if model.username:
                self._problems.append(
                    f"{where}: username without a password; add password_env or password_file"
                )
            return None
        if not model.username:
            self._problems.append(f"{where}: a password without username; add username")
        found = (
            self._from_file(model, where) if model.password_file else self._from_env(model, where)
        )
        if found is not None and (not found.isprintable() or not found.isascii()):
            self._problems.append(
                f"{where}: the password has characters that FIX cannot carry; choose another"
            )
            return None
        return found

    def _from_env(self, model: SessionModel, where: str) -> str | None:
        password = self._environ.get(model.password_env)
        if not password:
            self._problems.append(
                f"{where}: password_env names a variable that is not set, or empty; set it"
            )
        return password or None

    def _from_file(self, model: SessionModel, where: str) -> str | None:
        try:
            text = (self._folder / model.password_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            self._problems.append(
                f"{where}: password_file names a file that cannot be read; correct the path or"
                " its permissions"
            )
            return None
        password = text.partition("\n")[0].removesuffix("\r")
        if not password:
            self._problems.append(
                f"{where}: password_file names a file with an empty first line; put the password"
                " there"
            )
        return password or None

    def _schedule(self, model: ScheduleModel | None, where: str) -> Schedule | None:
        """Hours of each day, or of the week."""
        if model is None:
            return None
        problem = ""
        if (model.start_day is None) != (model.end_day is None):
            problem = "start_day and end_day belong together; add the other one or remove it"
        elif model.start_day is not None and "days" in model.model_fields_set:
            problem = (
                "days is for hours that end within a day, start_day and end_day for one session"
                " a week; remove days or those two"
            )
        if problem:
            self._problems.append(f"{where.removesuffix(']')}.schedule]: {problem}")
            return None
        days = model.days if model.start_day is None else [model.start_day]
        return Schedule(
            zone=ZoneInfo(model.zone),
            start=model.start,
            end=model.end,
            days=frozenset(WEEKDAYS.index(day) for day in days),
            reset_at_start=model.reset_at_start,
            end_day=None if model.end_day is None else WEEKDAYS.index(model.end_day),
        )
