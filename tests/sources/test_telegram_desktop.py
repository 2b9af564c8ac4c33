"""Exports of Telegram Desktop, made up here after its writer's source; the real sample was counted by eye."""

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_kit.core.errors import InputError
from kpi_kit.sources import SOURCES, Imported, ImportOptions
from kpi_kit.sources.telegram_json import _Mended

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "telegram"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the real exports are not at {SAMPLES}")

NOON = 1759309200  # 2025-10-01T12:00 in Moscow, 09:00 UTC


def message(number: int, minute: int = 0, **changes: Any) -> dict[str, Any]:
    made = {
        "id": number,
        "type": "message",
        "date": "2025-10-01T12:00:00",
        "date_unixtime": str(NOON + 60 * minute),
        "from": "Обжарка",
        "from_id": "channel5",
        "text": "",
    }
    return {key: value for key, value in {**made, **changes}.items() if value is not None}


def reactions(*counts: int, kind: str = "emoji") -> list[dict[str, Any]]:
    return [{"type": kind, "count": count, "emoji": "🔥"} for count in counts]


def channel(*messages: dict[str, Any], number: int = 5, name: str = "Обжарка") -> dict[str, Any]:
    return {"name": name, "type": "public_channel", "id": number, "messages": list(messages)}


def group(*messages: dict[str, Any], number: int = 6) -> dict[str, Any]:
    return {"name": "Обжарка: чат", "type": "private_supergroup", "id": number, "messages": list(messages)}


def forwarded_post(number: int, **changes: Any) -> dict[str, Any]:
    return message(number, saved_from="Обжарка", forwarded_from="Обжарка", **changes)


def reader(number: int, to: int | None, **changes: Any) -> dict[str, Any]:
    return message(
        number,
        number,
        **{"from": "Вера", "from_id": "user9", "reply_to_message_id": to, "text": "Вкусно", **changes},
    )


def account_export(*chats: dict[str, Any]) -> dict[str, Any]:
    return {
        "about": "…",
        "chats": {"about": "…", "list": list(chats[:-1])},
        "left_chats": {"list": list(chats[-1:])},
    }


@pytest.fixture
def imported(tmp_path: Path) -> Any:
    def run(*exports: Any, **options: Any) -> Imported:
        paths = [tmp_path / f"result{number}.json" for number, _ in enumerate(exports)]
        for path, export in zip(paths, exports, strict=True):
            path.write_bytes(export if isinstance(export, bytes) else json.dumps(export).encode())
        return SOURCES["telegram-desktop"].read(paths, ImportOptions(**{"account": "tg-roastery", **options}))

    return run


def refusal(imported: Any, *exports: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        imported(*exports, **options)
    return str(caught.value)


class TestPosts:
    def test_what_is_known(self, imported: Any) -> None:
        found = imported(channel(message(1, text="Новый лот", reactions=reactions(3, 4))))
        assert found.tables["posts"].to_dict("records") == [
            {
                "post_id": "1",
                "account_id": "tg-roastery",
                "published_at": pd.Timestamp("2025-10-01T09:00Z"),
                "likes": 7,
                "text": "Новый лот",
            }
        ]
        assert found.coverage == {}
        assert found.remarks == (
            "posts: 1 row from 1 message of 'Обжарка'",
            "posts: views, comments and reposts are unknown, as Telegram Desktop does not export them",
        )

    def test_an_empty_channel(self, imported: Any) -> None:
        posts = imported(channel()).tables["posts"]
        assert posts.empty and str(posts["likes"].dtype) == "Int64"

    def test_text_of_parts(self, imported: Any) -> None:
        parts = ["Лот ", {"type": "bold", "text": "Кения"}, " и ", {"type": "link", "text": "vk.cc/1"}]
        assert imported(channel(message(1, text=parts))).tables["posts"]["text"].tolist() == [
            "Лот Кения и vk.cc/1"
        ]

    def test_without_reactions_likes_are_0_where_others_have_them(self, imported: Any) -> None:
        posts = imported(channel(message(1), message(2, 1, reactions=reactions(2)))).tables["posts"]
        assert posts["likes"].tolist() == [0, 2]

    def test_an_old_version_exports_no_reactions_so_likes_are_unknown(self, imported: Any) -> None:
        found = imported(channel(message(1), message(2, 1)))
        assert found.tables["posts"]["likes"].isna().all()
        assert "posts: likes are unknown, as no message of the export has reactions" in found.remarks

    def test_stars_are_no_likes(self, imported: Any) -> None:
        paid = [*reactions(2), *reactions(500, kind="paid")]
        found = imported(channel(message(1, reactions=paid)))
        assert found.tables["posts"]["likes"].tolist() == [2]
        assert "posts: 500 paid reactions (Telegram Stars) not counted as likes" in found.remarks

    def test_service_and_unsupported_messages_are_skipped_and_counted(self, imported: Any) -> None:
        service = {"id": 2, "type": "service", "action": "pin_message", "text": ""}
        found = imported(channel(message(1), service, {"id": 3, "type": "unsupported"}))
        assert len(found.tables["posts"]) == 1
        assert found.remarks[-2:] == (
            "'Обжарка': 1 service message skipped",
            "'Обжарка': 1 unsupported message skipped, which are exported without date and text",
        )

    def test_fetched_at(self, imported: Any) -> None:
        fetched = dt.datetime(2025, 10, 9, tzinfo=dt.UTC)
        assert imported(channel(message(1)), stats_at=fetched).tables["posts"]["stats_at"].tolist() == [
            fetched
        ]
        said = refusal(imported, channel(message(1)), stats_at=dt.datetime(2025, 9, 1, tzinfo=dt.UTC))
        assert "message 1: published at 2025-10-01T09:00:00+00:00, after --fetched-at" in said

    def test_a_later_export_replaces_the_figures_of_an_earlier_one(self, imported: Any) -> None:
        found = imported(
            channel(message(1, reactions=reactions(1))),
            channel(message(1, reactions=reactions(8)), message(2, 5, reactions=reactions(2))),
        )
        assert found.tables["posts"]["likes"].tolist() == [8, 2]
        assert "posts: 1 row of earlier exports dropped" in found.remarks


class TestAlbums:
    def photos(self, count: int, **changes: Any) -> list[dict[str, Any]]:
        return [message(number, photo="(File not included)", **changes) for number in range(1, count + 1)]

    def test_pictures_of_one_second_are_one_post(self, imported: Any) -> None:
        photos = self.photos(3)
        photos[1]["text"] = "Три кадра"
        photos[0]["reactions"], photos[2]["reactions"] = reactions(2), reactions(1)
        found = imported(channel(*photos, message(4, 1, text="Дальше")))
        posts = found.tables["posts"]
        assert posts["post_id"].tolist() == ["1", "4"]
        assert posts["likes"].tolist() == [3, 0]
        assert posts["text"].tolist() == ["Три кадра", "Дальше"]
        assert found.remarks[0] == "posts: 2 rows from 4 messages of 'Обжарка', 3 of them merged into 1 album"

    @pytest.mark.parametrize(
        "changes",
        [
            {"date_unixtime": str(NOON + 1)},
            {"from_id": "user1"},
            {"photo": None},
            {"photo": None, "file": "a.pdf"},
            {"photo": None, "file": "a.webp", "media_type": "sticker"},
            {"forwarded_from": "Другие"},
        ],
        ids=["another second", "another sender", "no picture", "a document", "a sticker", "forwarded"],
    )
    def test_others_are_posts_of_their_own(self, imported: Any, changes: Any) -> None:
        first, second = self.photos(2)
        second = {key: value for key, value in {**second, **changes}.items() if value is not None}
        assert len(imported(channel(first, second)).tables["posts"]) == 2

    def test_two_captions_are_two_posts(self, imported: Any) -> None:
        assert len(imported(channel(*self.photos(2, text="Подпись"))).tables["posts"]) == 2

    def test_an_album_has_ten_pictures_at_most(self, imported: Any) -> None:
        assert imported(channel(*self.photos(12))).tables["posts"]["post_id"].tolist() == ["1", "11"]


class TestTime:
    def test_without_unix_time_it_is_local(self, imported: Any) -> None:
        found = imported(channel(message(1, date_unixtime=None)), timezone=ZoneInfo("Asia/Yekaterinburg"))
        assert found.tables["posts"]["published_at"].tolist() == [pd.Timestamp("2025-10-01T07:00Z")]
        assert "1 message without Unix time, read as Asia/Yekaterinburg" in found.remarks[-1]

    def test_without_any_time_it_is_refused(self, imported: Any) -> None:
        said = refusal(imported, channel(message(7, date_unixtime=None, date="вчера")))
        assert "message 7: expected a date_unixtime in seconds or a date" in said and "'вчера'" in said


class TestComments:
    def discussion(self, *more: dict[str, Any]) -> dict[str, Any]:
        return group(forwarded_post(1, text="Новый лот"), *more)

    def test_replies_under_a_forwarded_post(self, imported: Any) -> None:
        found = imported(self.discussion(reader(2, 1), reader(3, 2, from_id="channel5", text="Спасибо!")))
        assert found.tables["comments"].to_dict("records") == [
            {
                "comment_id": "6_2",
                "post_id": "group6:1",
                "account_id": "tg-roastery",
                "created_at": pd.Timestamp("2025-10-01T09:02Z"),
                "by_brand": False,
                "text": "Вкусно",
            },
            {
                "comment_id": "6_3",
                "post_id": "group6:1",
                "account_id": "tg-roastery",
                "created_at": pd.Timestamp("2025-10-01T09:03Z"),
                "by_brand": True,
                "text": "Спасибо!",
            },
        ]
        assert set(found.tables) == {"comments"}

    def test_who_speaks_for_the_brand(self, imported: Any) -> None:
        senders = [
            "channel5",
            "channel6",
            "channel77",
            "user9",
        ]  # the channel, the group, a reader's channel, a reader
        found = imported(
            self.discussion(*(reader(2 + i, 1, from_id=sender) for i, sender in enumerate(senders)))
        )
        assert found.tables["comments"]["by_brand"].tolist() == [True, True, False, False]

    def test_small_talk_is_left_out(self, imported: Any) -> None:
        elsewhere = reader(5, 1, reply_to_peer_id="channel8")
        found = imported(
            self.discussion(reader(2, None), reader(3, 2), reader(4, 99), elsewhere, reader(6, 1))
        )
        assert found.tables["comments"]["comment_id"].tolist() == ["6_6"]
        assert "comments: 4 messages of 'Обжарка: чат' under no post of the channel left out" in found.remarks

    def test_a_comment_under_the_second_picture_of_an_album(self, imported: Any) -> None:
        album = [forwarded_post(number, photo="…") for number in (1, 2)]
        found = imported(group(*album, reader(3, 2, photo="…"), reader(4, 2)))
        assert found.tables["comments"]["post_id"].tolist() == ["group6:1", "group6:1"]

    def test_older_exports_name_the_channel_only(self, imported: Any) -> None:
        post = message(1, forwarded_from="Обжарка")
        assert len(imported(group(post, reader(2, 1))).tables["comments"]) == 1

    def test_a_reader_who_forwards_the_post_makes_no_post(self, imported: Any) -> None:
        forwarded = reader(2, None, forwarded_from="Обжарка", forwarded_from_id="channel5")
        found = imported(self.discussion(forwarded, reader(3, 2)))
        assert found.tables["comments"].empty

    def test_no_discussion_group(self, imported: Any) -> None:
        said = refusal(imported, group(reader(1, None)))
        assert "expected the discussion group of one channel, found posts of none" in said

    def test_of_several_channels(self, imported: Any) -> None:
        other = forwarded_post(2, from_id="channel7")
        assert "found posts of channel5, channel7" in refusal(imported, self.discussion(other))
        found = imported(channel(), self.discussion(other, reader(3, 1), reader(4, 2)))
        assert found.tables["comments"]["comment_id"].tolist() == ["6_3"]


class TestWhichChat:
    personal = {"name": "Мама", "type": "personal_chat", "id": 3, "messages": [message(1)]}

    def test_of_a_whole_account_the_only_channel_and_its_group(self, imported: Any) -> None:
        stranger = group(reader(1, None), number=60)
        export = account_export(
            self.personal, channel(message(1)), stranger, group(forwarded_post(1), reader(2, 1))
        )
        found = imported(export)
        assert {name: len(table) for name, table in found.tables.items()} == {"posts": 1, "comments": 1}

    def test_channel_and_group_in_files_of_their_own(self, imported: Any) -> None:
        found = imported(channel(message(1)), group(forwarded_post(1), reader(2, 1)))
        assert {name: len(table) for name, table in found.tables.items()} == {"posts": 1, "comments": 1}

    @pytest.mark.parametrize("wanted", ["8", "Чайная"])
    def test_named_by_id_or_name(self, imported: Any, wanted: str) -> None:
        export = account_export(channel(message(1)), channel(message(2), number=8, name="Чайная"))
        assert imported(export, chat=wanted).tables["posts"]["post_id"].tolist() == ["2"]

    def test_several_need_a_name(self, imported: Any) -> None:
        export = account_export(self.personal, channel(), channel(number=8, name="Чайная"))
        chats = "'Обжарка' (5, public_channel), 'Чайная' (8, public_channel)"
        assert refusal(imported, export) == (
            f"--chat is needed to say which (by its id or name): the files hold {chats}"
        )
        assert refusal(imported, export, chat="Кофе") == (
            f"--chat Кофе: there is no such channel or supergroup; the files hold {chats}"
        )

    def test_of_a_whole_account_personal_chats_are_refused_without_naming_anyone(self, imported: Any) -> None:
        other = {**self.personal, "id": 4, "name": "Папа"}
        said = refusal(
            imported, account_export({**self.personal, "type": "bot_chat"}, {**other, "type": "bot_chat"})
        )
        assert said.endswith("expected channels and supergroups, found only chats of the type bot_chat")
        assert "Мама" not in said

    def test_sorted_keys_change_nothing(self, imported: Any) -> None:
        export = account_export(self.personal, channel(message(1)))
        same = json.dumps(export, sort_keys=True).encode()
        assert imported(same).tables["posts"].equals(imported(export).tables["posts"])


class TestBrokenJson:
    def export(self, text: bytes) -> bytes:
        return json.dumps(channel(message(1, text="@"))).encode().replace(b"@", text)

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            (rb"a\x0Bb", "a\x0bb"),
            (rb"a\\x0Bb", r"a\x0Bb"),
            (rb"a\\\x0Bb", "a\\\x0bb"),
            (rb"\x01\x1F", "\x01\x1f"),
            (rb"C:\\x86\\", "C:\\x86\\"),
        ],
    )
    def test_broken_escapes_are_mended_and_legal_ones_left(
        self, imported: Any, written: bytes, meant: str
    ) -> None:
        assert imported(self.export(written)).tables["posts"]["text"].tolist() == [meant]

    @given(
        parts=st.lists(
            st.sampled_from([b"\\\\", b"\\x0B", b"\\\\x0B", b"x", b"0B", b'\\"', b"\\n"]), max_size=8
        ),
        size=st.integers(1, 9),
    )
    def test_wherever_a_chunk_ends(self, parts: list[bytes], size: int) -> None:
        meant = b"".join(b"\\u000B" if part == b"\\x0B" else part for part in parts)
        file = _Mended(io.BytesIO(b"".join(parts)), Path("a.json"))
        found = b""
        while chunk := file.read(size):
            found += chunk
        assert found == meant

    @pytest.mark.parametrize(
        ("export", "words"),
        [
            (b"{", "not valid JSON"),
            (b"", "not valid JSON"),
            (b"<html></html>", "not valid JSON"),
            (b"[]", "found no chat with messages"),
            (b'{"columns": []}', "found no chat with messages"),
            (json.dumps(channel({"type": "message"})).encode(), "id None, expected a whole number"),
            (json.dumps(channel(message(1, text=5))).encode(), "message 1: text is 5"),
            (
                json.dumps(channel(message(1, reactions=[{"emoji": "🔥"}]))).encode(),
                "message 1: reactions are",
            ),
            ('{"name": "Обжарка"'.encode("cp1251"), "not valid JSON"),
        ],
    )
    def test_one_sentence_that_names_the_file(self, imported: Any, export: bytes, words: str) -> None:
        said = refusal(imported, export)
        assert "result0.json: " in said and words in said
        assert len(said.splitlines()) == 1

    def test_a_byte_order_mark_is_fine(self, imported: Any) -> None:
        assert len(imported(b"\xef\xbb\xbf" + json.dumps(channel(message(1))).encode()).tables["posts"]) == 1

    def test_absent_file_and_absent_account(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="none.json: cannot be read"):
            SOURCES["telegram-desktop"].read([tmp_path / "none.json"], ImportOptions(account="a"))
        with pytest.raises(InputError, match="--account is missing"):
            SOURCES["telegram-desktop"].read([], ImportOptions())


@needs_samples
class TestSamples:
    def run(self, name: str) -> Imported:
        return SOURCES["telegram-desktop"].read([SAMPLES / name], ImportOptions(account="tg-x"))

    def test_six_messages_of_a_real_channel_are_one_post(self) -> None:
        posts = self.run("pachum_public_channel_result.json").tables["posts"]
        assert posts["post_id"].tolist() == ["3858"]
        assert posts["published_at"].tolist() == [pd.Timestamp("2026-06-19T11:26:50Z")]
        assert posts["likes"].tolist() == [12]
        assert posts["text"].tolist()[0].endswith("| 💬 ТЕЛЕГА\n\n#КиноСтрим #ОСД")

    def test_questions_of_a_personal_chat(self) -> None:
        """By eye: user10001 asks with 2, 6, 9, 16 and 19; user777000 answers with 4, 7, 13, 17 and 86."""
        rows = self.run("tkonverter_result_personal.json").tables["messages"].sort_values("at")
        assert set(rows["dialog_id"]) == {"10001"}
        turns = rows[rows["by_brand"] != rows["by_brand"].shift()]  # the first of each side in turn
        assert turns["message_id"].tolist() == [str(n) for n in (2, 4, 6, 7, 9, 13, 16, 17, 19, 86)]
        assert turns["by_brand"].tolist() == [False, True] * 5
        answered = turns[turns["by_brand"]]["at"].dt.strftime("%Y-%m-%d %H:%M").tolist()
        assert answered == [
            "2026-02-01 09:06",
            "2026-02-01 09:12",
            "2026-02-01 09:24",
            "2026-02-01 09:32",
            "2027-01-02 08:30",
        ]

    def test_a_group_tells_who_came_and_who_was_removed(self) -> None:
        """By eye: one invited, two joined by themselves, one removed, all on the first of February."""
        found = self.run("tkonverter_result_group.json").tables["account_stats"]
        assert found[["measure", "value"]].to_numpy().tolist() == [["joined", 3.0], ["removed", 1.0]]
