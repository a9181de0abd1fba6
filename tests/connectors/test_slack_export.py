import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import THREAD, ConnectorError, Document, Message, read_thread
from connectors.slack_export import SlackExportConnector
from tests.contracts.connector import ConnectorContract

Raw = dict[str, object]

ALL = frozenset({"everyone"})
DAY = "2026-03-02.json"
T0 = 1_772_438_400  # 2026-03-02 08:00 UTC
USERS: list[Raw] = [
    {"id": "U1", "name": "ann", "profile": {"real_name": "Ann Lee", "email": "Ann@x.example"}},
    {"id": "U2", "name": "bo", "profile": {"real_name": "Bo Ek", "email": "bo@x.example"}},
    {"id": "U3", "name": "cy", "deleted": True, "profile": {"email": "cy@x.example"}},
    {"id": "U4", "name": "dee", "profile": {}},
    {"id": "UB", "name": "ci", "is_bot": True, "profile": {"real_name": "CI"}},
]
CHANNELS: list[Raw] = [{"id": "C1", "name": "general", "is_archived": True}]
GROUPS: list[Raw] = [{"id": "G1", "name": "board", "members": ["U1", "U3", "U4", "U9"]}]


def ts(minutes: float) -> str:
    return f"{T0 + int(minutes * 60)}.000100"


def said(minutes: float, text: str, *, user: str = "U1", **fields: object) -> Raw:
    return {"type": "message", "ts": ts(minutes), "user": user, "text": text, **fields}


def reply(minutes: float, to: float, text: str, *, user: str = "U2", **fields: object) -> Raw:
    return said(minutes, text, user=user, thread_ts=ts(to), **fields)


def write(root: Path, name: str, rows: object) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(json.dumps(rows), encoding="utf-8")


def export(root: Path, days: Mapping[str, Sequence[Raw]]) -> Path:
    """Write an export; days: path of a day's file -> its messages."""
    write(root, "users.json", USERS)
    write(root, "channels.json", CHANNELS)
    for name, messages in days.items():
        write(root, name, messages)
    return root


def connector(path: Path) -> SlackExportConnector:
    return SlackExportConnector("slack", path, workspace_url="https://acme.slack.com/", readers=ALL)


def documents(path: Path) -> dict[str, Document]:
    source = connector(path)
    return {entry.id: source.fetch(entry) for entry in source.entries()}


def only(path: Path) -> Document:
    (document,) = documents(path).values()
    return document


def texts(document: Document) -> list[str]:
    return [message.text for message in read_thread(document.body)]


class ExportSource:
    def __init__(self, root: Path, *, packed: bool) -> None:
        self.packed = packed
        self.root = root
        self.messages = [
            said(0, "How do I reset my badge?", thread_ts=ts(0)),
            reply(5, 0, "At the front desk."),
            said(10, "The lift is out of order today."),
            said(600, "Cake in the kitchen on floor two."),
        ]
        write(root, "groups.json", GROUPS)
        write(root, f"board/{DAY}", [said(1, "Draft of the budget is here.")])
        self.save()

    def save(self) -> None:
        export(self.root, {f"general/{DAY}": self.messages})

    def connector(self) -> SlackExportConnector:
        if not self.packed:
            return connector(self.root)
        target = self.root.with_suffix(".zip")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(self.root.rglob("*.json")):
                archive.write(file, file.relative_to(self.root))
        return connector(target)

    def change(self) -> str:
        self.messages[1]["text"] = "At the front desk, with your passport."
        self.save()
        return f"slack:C1:{ts(0)}"

    def remove(self) -> str:
        removed = self.messages.pop()
        self.save()
        return f"slack:C1:{removed['ts']}"

    def damage(self) -> None:
        day = self.root / "general" / DAY
        day.write_bytes(day.read_bytes()[:-30])


class TestSlackExportFolder(ConnectorContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> ExportSource:
        return ExportSource(tmp_path / "export", packed=False)


class TestSlackExportZip(ConnectorContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> ExportSource:
        return ExportSource(tmp_path / "export", packed=True)


def test_a_folder_and_its_zip_hold_the_same_documents(tmp_path: Path) -> None:
    folder = ExportSource(tmp_path / "export", packed=False).connector()
    packed = ExportSource(tmp_path / "export", packed=True).connector()
    assert [folder.fetch(entry) for entry in folder.entries()] == [
        packed.fetch(entry) for entry in packed.entries()
    ]


class TestThreads:
    def test_a_thread_is_one_document_with_its_messages_authors_and_permalinks(
        self, tmp_path: Path
    ) -> None:
        root = said(0, "Does <@U2> know the *VPN* address?", thread_ts=ts(0))
        answer = reply(3, 0, "vpn.example &amp; port 443")
        document = only(export(tmp_path, {f"general/{DAY}": [answer, root]}))
        assert document.entry.id == "slack:C1:1772438400.000100"
        assert document.entry.readers == ALL
        assert document.title == "#general: Does @Bo Ek know the VPN address?"
        assert document.media_type == THREAD
        assert document.url == "https://acme.slack.com/archives/C1/p1772438400000100"
        first, second = read_thread(document.body)
        assert first == Message(
            author="Ann Lee",
            sent_at=datetime(2026, 3, 2, 8, 0, 0, 100, tzinfo=UTC),
            text="Does @Bo Ek know the VPN address?",
            url="https://acme.slack.com/archives/C1/p1772438400000100",
        )
        assert second == Message(
            author="Bo Ek",
            sent_at=datetime(2026, 3, 2, 8, 3, 0, 100, tzinfo=UTC),
            text="vpn.example & port 443",
            url="https://acme.slack.com/archives/C1/p1772438580000100"
            "?thread_ts=1772438400.000100&cid=C1",
        )
        assert document.updated_at == second.sent_at

    def test_a_reply_of_three_weeks_later_is_in_its_thread(self, tmp_path: Path) -> None:
        late = reply(21 * 1440, 0, "It moved to port 8443.")
        days = {
            f"general/{DAY}": [said(0, "Which port?", thread_ts=ts(0))],
            "general/2026-03-23.json": [
                late,
                said(21 * 1440 + 1, "Lunch is served downstairs now."),
            ],
        }
        by_id = documents(export(tmp_path, days))
        assert texts(by_id[f"slack:C1:{ts(0)}"]) == ["Which port?", "It moved to port 8443."]
        assert by_id[f"slack:C1:{ts(0)}"].updated_at == datetime(
            2026, 3, 23, 8, 0, 0, 100, tzinfo=UTC
        )
        assert len(by_id) == 2

    def test_a_reply_without_its_root_is_a_thread_of_that_id(self, tmp_path: Path) -> None:
        document = only(export(tmp_path, {f"general/{DAY}": [reply(5, 0, "Yes, it is.")]}))
        assert document.entry.id == f"slack:C1:{ts(0)}"
        assert document.url.endswith("/p1772438700000100?thread_ts=1772438400.000100&cid=C1")

    def test_a_root_that_does_not_know_it_is_one_is_in_its_thread(self, tmp_path: Path) -> None:
        day = [said(0, "Which port?"), reply(5, 0, "443")]
        assert texts(only(export(tmp_path, {f"general/{DAY}": day}))) == ["Which port?", "443"]

    def test_a_reply_also_sent_to_the_channel_is_only_in_its_thread(self, tmp_path: Path) -> None:
        day = [
            said(0, "Which port?", thread_ts=ts(0)),
            reply(5, 0, "It is 443 for all of you.", subtype="thread_broadcast"),
        ]
        assert len(documents(export(tmp_path, {f"general/{DAY}": day}))) == 1

    def test_a_deleted_root_leaves_the_replies(self, tmp_path: Path) -> None:
        deleted = said(0, "This message was deleted.", subtype="tombstone", thread_ts=ts(0))
        day = [deleted, reply(5, 0, "Thanks, that helped.")]
        document = only(export(tmp_path, {f"general/{DAY}": day}))
        assert texts(document) == ["Thanks, that helped."]
        assert document.title == "#general: Thanks, that helped."

    def test_an_alarm_is_kept_when_a_person_replied_and_no_bots_reply_is(
        self, tmp_path: Path
    ) -> None:
        day = [
            said(0, "Queue age 612 s", user="UB", subtype="bot_message", thread_ts=ts(0)),
            reply(1, 0, "Still 630 s", user="UB"),
            reply(2, 0, "Certificate expired, renewing."),
            said(10, "Nightly build has passed again", user="UB"),
            said(20, "Nightly build has failed now", user="UB", thread_ts=ts(20)),
            reply(21, 20, "Retrying", user="UB"),
        ]
        document = only(export(tmp_path, {f"general/{DAY}": day}))
        assert texts(document) == ["Queue age 612 s", "Certificate expired, renewing."]
        assert read_thread(document.body)[0].author == "CI"

    def test_a_message_in_two_day_files_counts_once(self, tmp_path: Path) -> None:
        days = {
            f"general/{DAY}": [said(0, "The office is closed on Friday.")],
            "general/2026-03-03.json": [said(0, "The office is closed on Monday.")],
        }
        assert texts(only(export(tmp_path, days))) == ["The office is closed on Monday."]


class TestMessagesOutsideThreads:
    def test_they_are_one_document_until_two_hours_of_silence(self, tmp_path: Path) -> None:
        day = [
            said(0, "Is the canteen open today?"),
            said(119, "Yes.", user="U2"),
            said(239, "Thanks!"),
            said(360, "The projector in room 4 is broken."),
        ]
        by_id = documents(export(tmp_path, {f"general/{DAY}": day}))
        assert {id: texts(document) for id, document in by_id.items()} == {
            f"slack:C1:{ts(0)}": ["Is the canteen open today?", "Yes.", "Thanks!"],
            f"slack:C1:{ts(360)}": ["The projector in room 4 is broken."],
        }

    def test_midnight_and_threads_between_them_do_not_part_them(self, tmp_path: Path) -> None:
        days = {
            f"general/{DAY}": [
                said(950, "Who has the key of the archive?"),
                said(955, "Fire drill on Thursday at ten.", thread_ts=ts(955)),
            ],
            "general/2026-03-03.json": [said(965, "I have it.", user="U2")],
        }
        by_id = documents(export(tmp_path, days))
        assert [texts(document) for document in by_id.values()] == [
            ["Who has the key of the archive?", "I have it."],
            ["Fire drill on Thursday at ten."],
        ]

    def test_fewer_than_four_words_are_no_document(self, tmp_path: Path) -> None:
        day = [
            said(0, "thanks all!"),
            said(300, "sent you mail"),
            said(600, "the door code changed"),
        ]
        assert texts(only(export(tmp_path, {f"general/{DAY}": day}))) == ["the door code changed"]

    def test_the_title_is_the_first_message_that_says_something(self, tmp_path: Path) -> None:
        day = [said(0, "hello!"), said(1, "Where do I find the <https://a.example|form>? :pray:")]
        document = only(export(tmp_path, {f"general/{DAY}": day}))
        assert document.title == "#general: Where do I find the form?"
        assert document.entry.id == f"slack:C1:{ts(0)}"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("x" * 20 + " " + "y" * 39 + " end", "#general: " + "x" * 20 + "…"),
        ("two\nlines of  text", "#general: two lines of text"),
        ("z" * 80, "#general: " + "z" * 60),
    ],
)
def test_a_title_is_cut_at_a_word(tmp_path: Path, text: str, title: str) -> None:
    day = [said(0, text, thread_ts=ts(0))]
    assert only(export(tmp_path, {f"general/{DAY}": day})).title == title


class TestReaders:
    def test_a_private_channel_is_for_its_present_members_with_an_address(
        self, tmp_path: Path
    ) -> None:
        export(tmp_path, {f"board/{DAY}": [said(0, "The budget is in the folder.")]})
        write(tmp_path, "groups.json", GROUPS)
        assert only(tmp_path).entry.readers == frozenset({"user:ann@x.example"})

    def test_a_private_channel_listed_among_the_public_ones_is_private(
        self, tmp_path: Path
    ) -> None:
        export(tmp_path, {f"board/{DAY}": [said(0, "The budget is in the folder.")]})
        write(tmp_path, "channels.json", [*CHANNELS, {**GROUPS[0], "is_private": True}])
        assert only(tmp_path).entry.readers == frozenset({"user:ann@x.example"})

    def test_a_guest_reads_no_private_channel(self, tmp_path: Path) -> None:
        export(tmp_path, {f"board/{DAY}": [said(0, "The budget is in the folder.")]})
        guest = {"id": "U2", "profile": {"email": "bo@x.example"}, "is_ultra_restricted": True}
        write(tmp_path, "users.json", [USERS[0], guest])
        write(tmp_path, "groups.json", [{**GROUPS[0], "members": ["U1", "U2"]}])
        assert only(tmp_path).entry.readers == frozenset({"user:ann@x.example"})

    def test_without_users_nobody_reads_private_channels_and_ids_stay(self, tmp_path: Path) -> None:
        day = [said(0, "Ask <@U2> about the budget.")]
        export(tmp_path, {f"board/{DAY}": day})
        write(tmp_path, "groups.json", GROUPS)
        (tmp_path / "users.json").unlink()
        document = only(tmp_path)
        assert document.entry.readers == frozenset()
        assert read_thread(document.body)[0].author == "U1"
        assert texts(document) == ["Ask @U2 about the budget."]

    def test_direct_messages_are_never_read(self, tmp_path: Path) -> None:
        secret = [said(0, "My salary is a secret between us.")]
        export(tmp_path, {f"D1/{DAY}": secret, f"mpdm-ann--bo-1/{DAY}": secret})
        write(tmp_path, "dms.json", [{"id": "D1", "members": ["U1", "U2"]}])
        write(tmp_path, "mpims.json", [{"id": "G7", "name": "mpdm-ann--bo-1", "members": ["U1"]}])
        write(
            tmp_path,
            "channels.json",
            [*CHANNELS, {"id": "D1", "name": "D1", "is_im": True}],
        )
        assert documents(tmp_path) == {}

    def test_the_name_of_a_private_channel_is_not_told_in_a_public_one(
        self, tmp_path: Path
    ) -> None:
        export(tmp_path, {f"general/{DAY}": [said(0, "As said in <#G1|> and <#C1>: go")]})
        write(tmp_path, "groups.json", GROUPS)
        assert texts(only(tmp_path)) == ["As said in #G1 and #general: go"]

    @pytest.mark.parametrize(
        ("double", "name"), [({"name": "general"}, "general"), ({"id": "C1"}, "board")]
    )
    def test_two_channels_of_one_name_or_id_are_an_error(
        self, tmp_path: Path, double: Raw, name: str
    ) -> None:
        export(tmp_path, {})
        write(tmp_path, "groups.json", [{**GROUPS[0], **double}])
        with pytest.raises(ConnectorError, match=f"two channels named '{name}'"):
            list(connector(tmp_path).entries())


def test_a_channel_that_is_renamed_keeps_its_ids_and_links(tmp_path: Path) -> None:
    talk = [said(0, "How do I reset my badge?"), reply(5, 0, "At the front desk.")]
    before = only(export(tmp_path / "a", {f"general/{DAY}": talk}))
    export(tmp_path / "b", {f"hall/{DAY}": talk})
    write(tmp_path / "b", "channels.json", [{"id": "C1", "name": "hall"}])
    after = only(tmp_path / "b")
    assert (after.entry.id, after.url) == (before.entry.id, before.url)
    assert after.title == "#hall: How do I reset my badge?"
    assert after.entry.version != before.entry.version


class TestDamage:
    @pytest.mark.parametrize(
        "name", ["channels.json", "users.json", "groups.json", f"general/{DAY}"]
    )
    @pytest.mark.parametrize(
        "content",
        [
            b'[{"id": "C1", "na',
            b'[{"text": "caf\xe9"}]',
            b'{"ok": false}',
            b"[[1]]",
            b"",
            b"[" * 99_999,
        ],
    )
    def test_a_damaged_file_is_an_error_that_names_it(
        self, tmp_path: Path, name: str, content: bytes
    ) -> None:
        export(tmp_path, {f"general/{DAY}": [said(0, "The door code is new.")]})
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConnectorError, match=f"{name} in "):
            list(connector(tmp_path).entries())

    @pytest.mark.parametrize("bad", [None, "", "yesterday", 1772438400, "1772438400"])
    def test_a_message_without_a_sound_ts_is_an_error(self, tmp_path: Path, bad: object) -> None:
        export(tmp_path, {f"general/{DAY}": [{**said(0, "The door code is new."), "ts": bad}]})
        with pytest.raises(ConnectorError, match=f"general/{DAY} has the ts"):
            list(connector(tmp_path).entries())

    def test_an_export_without_channels_json_is_an_error(self, tmp_path: Path) -> None:
        write(tmp_path, "users.json", USERS)
        with pytest.raises(ConnectorError, match=r"holds no channels\.json"):
            list(connector(tmp_path).entries())

    @pytest.mark.parametrize("channel", [{"id": "C1", "name": "../x"}, {"name": "x"}, {"id": "C1"}])
    def test_a_channel_without_a_usable_name_or_id_is_an_error(
        self, tmp_path: Path, channel: Raw
    ) -> None:
        export(tmp_path, {})
        write(tmp_path, "channels.json", [channel])
        with pytest.raises(ConnectorError, match="lists a channel"):
            list(connector(tmp_path).entries())

    def test_a_channel_without_messages_is_no_error(self, tmp_path: Path) -> None:
        assert documents(export(tmp_path, {})) == {}

    def test_files_beside_the_days_are_not_read(self, tmp_path: Path) -> None:
        export(tmp_path, {f"general/{DAY}": [said(0, "The door code is new.")]})
        (tmp_path / "general" / "canvas.json").write_text("not json", encoding="utf-8")
        assert len(documents(tmp_path)) == 1
