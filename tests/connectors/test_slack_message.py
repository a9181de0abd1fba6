import pytest

from connectors.slack_message import is_ts, said
from connectors.slack_text import Names, Raw
from connectors.slack_workspace import Person

NAMES = Names({"U1": "Ann Lee"}, {})
PEOPLE = {"U1": Person("Ann Lee", "ann@x.example", is_bot=False), "UB": Person("CI", None, True)}


def message(**fields: object) -> Raw:
    return {"type": "message", "ts": "1700000000.000100", "user": "U1", "text": "hello", **fields}


def text_of(**fields: object) -> str | None:
    spoken = said(message(**fields), PEOPLE, NAMES)
    return spoken.text if spoken else None


def author_of(**fields: object) -> str:
    spoken = said(message(**fields), PEOPLE, NAMES)
    assert spoken is not None
    return spoken.author


class TestWhatIsKept:
    @pytest.mark.parametrize(
        "subtype",
        [
            "channel_join",
            "channel_leave",
            "channel_topic",
            "channel_purpose",
            "channel_name",
            "channel_archive",
            "bot_add",
            "pinned_item",
            "reminder_add",
            "huddle_thread",
            "tombstone",
            "a_subtype_of_next_year",
        ],
    )
    def test_slacks_own_words_are_dropped(self, subtype: str) -> None:
        assert text_of(subtype=subtype) is None

    @pytest.mark.parametrize("subtype", ["thread_broadcast", "me_message", "file_share"])
    def test_peoples_words_are_kept(self, subtype: str) -> None:
        assert text_of(subtype=subtype) == "hello"

    @pytest.mark.parametrize("text", [":tada:", ":+1: :+1:", "", "…"])
    def test_a_message_that_says_nothing_is_dropped(self, text: str) -> None:
        assert text_of(text=text) is None

    def test_emoji_within_a_text_stay(self) -> None:
        assert text_of(text="done :tada:") == "done :tada:"

    @pytest.mark.parametrize("text", [None, 7, ["hello"]])
    def test_a_text_that_is_no_text_is_none(self, text: object) -> None:
        assert text_of(text=text) is None

    def test_half_a_surrogate_pair_becomes_a_question_mark(self) -> None:
        assert text_of(text="party \ud83d") == "party ?"


class TestFilesAndBlocks:
    def test_files_are_named_below_the_text_by_title_or_else_by_name(self) -> None:
        files = [
            {"title": "Q3  plan", "name": "q3.xlsx"},
            {"name": "scan.pdf"},
            {"mode": "tombstone"},
        ]
        assert text_of(files=files) == "hello\nAttachment: Q3 plan\nAttachment: scan.pdf"

    def test_a_file_without_a_text_is_still_named(self) -> None:
        assert text_of(text=":point_down:", files=[{"title": "Q3"}]) == "Attachment: Q3"

    def test_of_an_old_upload_the_comment_is_kept_and_slacks_sentence_not(self) -> None:
        file = {"title": "Map", "initial_comment": {"comment": "our <https://a.example|route>"}}
        text = "<@U1> uploaded a file: <https://f.example|Map> and commented: our route"
        kept = text_of(subtype="file_share", text=text, file=file)
        assert kept == "our route (https://a.example)\nAttachment: Map"

    def test_an_old_comment_on_a_file_is_its_authors(self) -> None:
        comment = {"user": "U1", "comment": "Looks right"}
        fields = {"subtype": "file_comment", "user": None, "comment": comment}
        assert (text_of(**fields), author_of(**fields)) == ("Looks right", "Ann Lee")

    def test_blocks_count_only_where_there_is_no_text(self) -> None:
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "from a block"}}]
        assert text_of(blocks=blocks) == "hello"
        assert text_of(text="", blocks=blocks) == "from a block"

    def test_what_a_link_unfurls_to_is_not_repeated(self) -> None:
        unfurled = [{"from_url": "https://a.example", "fallback": "A page", "text": "Its text"}]
        assert text_of(attachments=unfurled) == "hello"
        assert text_of(text="", attachments=unfurled) is None

    def test_an_app_without_a_text_says_it_in_an_attachment(self) -> None:
        alarm = [{"fallback": "Queue age 612 s", "text": "longer"}]
        assert text_of(text="", bot_id="B1", attachments=alarm) == "Queue age 612 s"


class TestAuthors:
    @pytest.mark.parametrize(
        ("fields", "author"),
        [
            ({}, "Ann Lee"),
            ({"user": "U9"}, "U9"),
            ({"user": "U9", "user_profile": {"real_name": "Zoe Ray"}}, "Zoe Ray"),
            ({"user": None, "username": "Beacon"}, "Beacon"),
            ({"user": None, "bot_profile": {"name": "GitLab"}}, "GitLab"),
            ({"user": None}, "Unknown"),
        ],
    )
    def test_the_author_is_named_as_well_as_the_export_can(
        self, fields: dict[str, object], author: str
    ) -> None:
        assert author_of(**fields) == author

    @pytest.mark.parametrize(
        ("fields", "by_bot"),
        [
            ({}, False),
            ({"subtype": "bot_message"}, True),
            ({"user": "UB"}, True),
            ({"user": "USLACKBOT"}, True),
            ({"bot_id": "B1"}, False),  # a person, through an app
            ({"user": "U9", "bot_id": "B1"}, True),
            ({"bot_id": None}, False),
        ],
    )
    def test_a_bot_is_known_by_users_json_first(
        self, fields: dict[str, object], by_bot: bool
    ) -> None:
        spoken = said(message(**fields), PEOPLE, NAMES)
        assert spoken is not None
        assert spoken.by_bot is by_bot


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("1700000000.000100", True),
        ("1700000000", False),
        ("999999999999.000100", False),
        ("-1.0", False),
        ("1e9.0", False),
        ("", False),
    ],
)
def test_a_ts_is_seconds_and_a_fraction(text: str, sound: bool) -> None:
    assert is_ts(text) is sound
