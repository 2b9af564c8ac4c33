"""Atomic writes and hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from kpi_kit.core import files


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(files.os, "fsync", lambda handle: (_ for _ in ()).throw(OSError("disk full")))

    with pytest.raises(OSError, match="disk full"):
        files.write_file(path, "new")

    assert path.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize("content", ["слово\n", b"\x00\xff"])
def test_text_is_written_as_utf8_and_bytes_as_they_are(content: str | bytes, tmp_path: Path) -> None:
    files.write_file(tmp_path / "a", content)
    written = (tmp_path / "a").read_bytes()
    assert written == (content.encode("utf-8") if isinstance(content, str) else content)
    assert (
        files.sha256_of_file(tmp_path / "a") == files.sha256(content) == hashlib.sha256(written).hexdigest()
    )


def test_a_hash_of_several_files_follows_their_names_not_their_order(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_text("a", encoding="utf-8")
    two.write_text("b", encoding="utf-8")
    whole = files.sha256_of_files([two, one])
    assert whole == files.sha256_of_files([one, two])
    one.write_text("b", encoding="utf-8")
    two.write_text("a", encoding="utf-8")
    assert files.sha256_of_files([one, two]) != whole
