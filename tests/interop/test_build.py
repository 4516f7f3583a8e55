"""The build helper: compiles once for each state of a source, and says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop import build as building
from tests.interop.build import QuickfixMissing, build


@pytest.fixture
def source(peer_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(building, "CACHE", tmp_path / "cache")
    path = tmp_path / "small.cpp"
    path.write_text("#include <quickfix/Session.h>\nint main() { return 0; }\n")
    return path


class TestBuild:
    def test_compiles_again_only_when_the_source_changed(self, source: Path) -> None:
        first = build(source)
        made_ns = first.stat().st_mtime_ns
        assert (build(source), first.stat().st_mtime_ns) == (first, made_ns)
        source.write_text("int main() { return 1; }\n")
        second = build(source)
        assert second != first
        assert list(first.parent.iterdir()) == [second]

    def test_gives_the_compilers_words_and_leaves_nothing_behind(self, source: Path) -> None:
        source.write_text("int main() { return nonsense; }\n")
        with pytest.raises(RuntimeError, match=r"small\.cpp does not compile:(.|\n)*nonsense"):
            build(source)
        assert list(building.CACHE.iterdir()) == []


class TestWhatIsMissing:
    def test_a_missing_compiler_is_named_with_its_package(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CXX", "no-such-compiler")
        with pytest.raises(QuickfixMissing, match=r"apt-get install g\+\+"):
            build()

    def test_a_missing_library_is_named_with_its_package(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compiler = tmp_path / "c++"
        compiler.write_text("#!/bin/sh\necho 'no such header' >&2\nexit 1\n")
        compiler.chmod(0o755)
        monkeypatch.setenv("CXX", str(compiler))
        with pytest.raises(QuickfixMissing, match="apt-get install libquickfix-dev"):
            build()
