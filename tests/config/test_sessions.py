"""What stands behind the keys of a session: hours, credentials, a dictionary of its own."""

from __future__ import annotations

import shutil
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sor_gateway.config import ConfigError, Configuration, load
from sor_gateway.fix.schedule import Schedule

SHIPPED = Path("config")
PACKAGED = Path("sor_gateway/fix/dictionaries")


class Folder:
    """A copy of what is shipped with lines added to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copytree(SHIPPED, path)

    def ems(self, text: str) -> None:
        """Add keys to [ems.EMS]."""
        file = self.path / "gateway.toml"
        file.write_text(file.read_text().replace("[ems.EMS]\n", f"[ems.EMS]\n{text}\n"))

    def end(self, text: str, file: str = "gateway.toml") -> None:
        """Add tables at the end."""
        with (self.path / file).open("a") as out:
            out.write(f"\n{text}\n")

    def load(self, **environ: str) -> Configuration:
        return load(self.path, environ)

    def problems(self, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.load(**environ)
        return [text.replace(str(self.path), "config") for text in caught.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "config")


class TestSchedule:
    def test_of_an_ems(self, folder: Folder) -> None:
        folder.end(
            '[ems.EMS.schedule]\nzone = "America/New_York"\nstart = 17:00:00\nend = 16:30:00\n'
            'days = ["sunday", "monday"]\nreset_at_start = true'
        )
        session = next(s for s in folder.load().ems_sessions if s.name == "EMS")
        assert session.schedule == Schedule(
            ZoneInfo("America/New_York"), time(17), time(16, 30), frozenset({6, 0}), True
        )

    def test_of_a_venue_holds_for_its_quotes_too(self, folder: Folder) -> None:
        folder.end(
            '[session.schedule]\nzone = "UTC"\nstart = 08:00:00\nend = 17:00:00',
            "venues/exchange.toml",
        )
        venue = next(v for v in folder.load().venues if v.name == "exchange")
        assert venue.quotes is not None
        assert venue.orders.schedule is not None
        assert venue.quotes.schedule == venue.orders.schedule
        assert venue.orders.schedule.days == frozenset(range(5))

    def test_one_session_a_week(self, folder: Folder) -> None:
        folder.end(
            '[ems.EMS.schedule]\nzone = "America/New_York"\nstart = 17:00:00\nend = 16:30:00\n'
            'start_day = "sunday"\nend_day = "friday"'
        )
        session = next(s for s in folder.load().ems_sessions if s.name == "EMS")
        assert session.schedule == Schedule(
            ZoneInfo("America/New_York"), time(17), time(16, 30), frozenset({6}), end_day=4
        )

    @pytest.mark.parametrize(
        ("keys", "problem"),
        [
            (
                'start_day = "sunday"',
                "start_day and end_day belong together; add the other one or remove it",
            ),
            (
                'end_day = "friday"',
                "start_day and end_day belong together; add the other one or remove it",
            ),
            (
                'start_day = "sunday"\nend_day = "friday"\ndays = ["monday"]',
                (
                    "days is for hours that end within a day, start_day and end_day for one session"
                    " a week; remove days or those two"
                ),
            ),
        ],
    )
    def test_halves_of_a_week_are_refused(self, folder: Folder, keys: str, problem: str) -> None:
        hours = '\nzone = "UTC"\nstart = 17:00:00\nend = 16:30:00\n'
        folder.end(f"[ems.EMS.schedule]{hours}{keys}")
        folder.end(f"[session.schedule]{hours}{keys}", "venues/exchange.toml")
        assert sorted(folder.problems()) == [
            f"config/gateway.toml [ems.EMS.schedule]: {problem}",
            f"config/venues/exchange.toml [session.schedule]: {problem}",
        ]

    def test_without_a_zone_is_refused(self, folder: Folder) -> None:
        folder.end("[ems.EMS.schedule]\nstart = 08:00:00\nend = 17:00:00")
        assert folder.problems() == [
            (
                "missing key `zone` in config/gateway.toml [ems.EMS.schedule]: expected a time zone"
                ' such as "America/New_York"; add it or set SOR__EMS__EMS__SCHEDULE__ZONE'
            )
        ]

    @pytest.mark.parametrize(
        ("key", "value", "expected"),
        [
            ("zone", '"Mars/Olympus"', "'Mars/Olympus': expected a time zone"),
            ("start", "08:00:00Z", None),
            ("days", '["monday", "funday"]', "expected a list of weekdays"),
            ("days", "[]", "expected a list of weekdays"),
        ],
    )
    def test_mistakes(self, folder: Folder, key: str, value: str, expected: str | None) -> None:
        keys = {"zone": '"UTC"', "start": "08:00:00", "end": "17:00:00", key: value}
        folder.end("[ems.EMS.schedule]\n" + "\n".join(f"{k} = {v}" for k, v in keys.items()))
        (problem,) = folder.problems()
        assert problem.startswith("config/gateway.toml")
        assert expected is None or expected in problem


class TestCredentials:
    def test_from_the_environment(self, folder: Folder) -> None:
        folder.ems('username = "ems"\npassword_env = "EMS_PASSWORD"')
        session = folder.load(EMS_PASSWORD="open sesame").ems_sessions[0]
        assert (session.username, session.password) == ("ems", "open sesame")

    def test_from_a_file_beside_the_configuration(self, folder: Folder) -> None:
        (folder.path / "ems.secret").write_text("open sesame\n")
        folder.ems('username = "ems"\npassword_file = "ems.secret"')
        assert folder.load().ems_sessions[0].password == "open sesame"

    def test_are_not_shown_with_the_settings(self, folder: Folder) -> None:
        folder.ems('username = "ems"\npassword_env = "EMS_PASSWORD"')
        assert "sesame" not in repr(folder.load(EMS_PASSWORD="open sesame"))

    def test_do_not_belong_into_the_file(self, folder: Folder) -> None:
        folder.ems('username = "ems"\npassword = "sesame"')
        (problem,) = folder.problems()
        assert problem == (
            "unknown key `password` in config/gateway.toml [ems.EMS]; did you mean `password_env`?"
        )

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            ('password_env = "SESAME"', "names a variable that is not set, or empty; set it"),
            ('password_env = "EMPTY"', "names a variable that is not set, or empty; set it"),
            ('password_file = "sesame"', "names a file that cannot be read"),
            ('password_file = "empty"', "an empty first line"),
            ('password_env = "A"\npassword_file = "b"', "are both there; keep one of them"),
            ('password_env = "FOREIGN"', "characters that FIX cannot carry"),
            ("", "username without a password"),
        ],
    )
    def test_mistakes_name_the_key_and_show_no_value(
        self, folder: Folder, keys: str, expected: str
    ) -> None:
        (folder.path / "empty").write_text("\nsesame")
        folder.ems(f'username = "ems"\n{keys}')
        (problem,) = folder.problems(EMPTY="", FOREIGN="sesame\x01")
        assert problem.startswith("config/gateway.toml [ems.EMS]: ")
        assert expected in problem
        assert "sesame" not in problem

    def test_a_password_needs_a_name(self, folder: Folder) -> None:
        folder.ems('password_env = "EMS_PASSWORD"')
        (problem,) = folder.problems(EMS_PASSWORD="sesame")
        assert problem == "config/gateway.toml [ems.EMS]: a password without username; add username"


class TestVersions:
    def test_789_is_refused_where_a_logon_has_no_such_field(self, folder: Folder) -> None:
        (problem,) = folder.problems(SOR__EMS__EMS42__SEND_NEXT_EXPECTED="true")
        assert problem.startswith("config/gateway.toml [ems.EMS42]: send_next_expected = true: ")


class TestDictionary:
    def test_of_a_venue_holds_for_its_quotes_too(self, folder: Folder) -> None:
        shutil.copy(PACKAGED / "FIX44.xml", folder.path / "venues" / "exchange.xml")
        file = folder.path / "venues" / "exchange.toml"
        table = '[session]\ndictionary = "venues/exchange.xml"\nvalidation = "lenient"'
        assert "[session]" not in file.read_text()
        folder.end(table, "venues/exchange.toml")
        configuration = folder.load()
        assert set(configuration.dictionaries) == {"exchange", "exchange-md"}
        venue = next(v for v in configuration.venues if v.name == "exchange")
        assert venue.orders.validation == "lenient"

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("none.xml", "cannot be read: No such file or directory; correct the path"),
            ("bad.xml", "not XML"),
            ("old.xml", "is of FIX.4.2, but the session speaks FIX.4.4"),
        ],
    )
    def test_mistakes_name_file_and_key(self, folder: Folder, name: str, expected: str) -> None:
        (folder.path / "bad.xml").write_text("<fix")
        shutil.copy(PACKAGED / "FIX42.xml", folder.path / "old.xml")
        folder.ems(f'dictionary = "{name}"')
        (problem,) = folder.problems()
        assert problem.startswith(f"config/gateway.toml [ems.EMS]: dictionary = '{name}': ")
        assert expected in problem
