"""Atomic writes and hashes."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from kpi_kit.core import files
from kpi_kit.core.errors import InputError


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


LINKED = ("", "outbox", "outbox/journal.jsonl", "department", "history", "manifest.json", ".hidden", "a/b/c")


@pytest.mark.parametrize("where", LINKED)
def test_a_link_in_a_folder_or_in_its_place_is_named(where: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    place = tmp_path / "2025-10" / where
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(InputError) as refused:
        files.refuse_links(tmp_path / "2025-10")
    assert refused.value.problems == (
        f"{place}: is a link, and what it leads to could be overwritten; an ordinary one is expected here",
    )


def test_a_folder_without_links_is_accepted_and_a_pipe_in_it_is_not(tmp_path: Path) -> None:
    files.refuse_links(tmp_path / "nowhere")
    (tmp_path / "outbox" / "sent").mkdir(parents=True)
    (tmp_path / "outbox" / "sent" / "a.eml").write_bytes(b"a")
    (tmp_path / ".work-1").mkdir()
    (tmp_path / ".work-1" / "link").symlink_to("/etc/passwd")  # a notebook's own
    files.refuse_links(tmp_path)
    os.mkfifo(tmp_path / "outbox" / "journal.jsonl")
    with pytest.raises(InputError, match="an ordinary file or folder is expected"):
        files.refuse_links(tmp_path)


def test_a_junction_of_windows_is_a_link_and_a_file_of_a_cloud_is_none(tmp_path: Path) -> None:
    for tag, is_link in ((0xA0000003, True), (0xA000000C, True), (0x9000001A, False), (0, False)):
        status = SimpleNamespace(st_mode=stat.S_IFDIR | 0o755, st_reparse_tag=tag)
        with pytest.raises(InputError, match="is a link") if is_link else nullcontext():
            files._refuse_link(tmp_path, status)  # type: ignore[arg-type]


@pytest.mark.parametrize("by_descriptor", [True, False], ids=["descriptor", "path"])
def test_files_of_a_folder(by_descriptor: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_BY_DESCRIPTOR", by_descriptor)
    with files.Folder(tmp_path / "a", make=True) as folder:
        folder.write("one", "слово")
        assert folder.read("one").decode() == "слово"
        with folder.folder("sent") as inner:
            folder.move("one", inner, "two")
        folder.write("three", b"3")
        folder.remove("three")
        folder.sync()
        assert folder.names() == ["sent"]
        (tmp_path / "a" / "link").symlink_to(tmp_path / "victim")
        (tmp_path / "victim").write_text("precious", encoding="utf-8")
        for refused in (lambda: folder.read("link"), lambda: folder.open("link", os.O_RDWR)):
            with pytest.raises(InputError, match="is a link"):
                refused()
        with pytest.raises(InputError, match="is a link"), folder.folder("link"):
            pass
        folder.write("link", "new")
    assert (tmp_path / "a" / "link").read_text(encoding="utf-8") == "new"
    assert (tmp_path / "victim").read_text(encoding="utf-8") == "precious"
    assert (tmp_path / "a" / "sent" / "two").read_text(encoding="utf-8") == "слово"


def test_an_open_folder_stays_the_same_when_a_link_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with files.Folder(tmp_path / "outbox", make=True) as folder:
        (tmp_path / "outbox").rename(tmp_path / "moved")
        (tmp_path / "outbox").symlink_to(tmp_path / "other")
        folder.write("a.eml", "a")
    assert [file.name for file in (tmp_path / "moved").iterdir()] == ["a.eml"]
    assert list((tmp_path / "other").iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 300, "file/2025-10"])
def test_a_place_where_no_folder_can_be_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="reports cannot be written here: "):
        files.refuse_links(tmp_path / name)
