import json
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import pytest

from connectors.base import ConnectorError
from connectors.jsonl import JsonLinesConnector
from tests.contracts.connector import ConnectorContract

READERS = frozenset({"everyone"})
ROWS = [
    {"id": "vpn", "title": "Harbor VPN", "text": "Change Transport to TCP 443."},
    {"id": "leave", "html": "<h1>Leave</h1><p>26 days a year.</p>", "url": "https://kb.example/7"},
    {"id": "tea", "title": "", "text": "Tea is in the first cupboard.", "url": "javascript:x"},
]


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def connector(path: Path) -> JsonLinesConnector:
    return JsonLinesConnector("kb", path, kind="wiki", readers=READERS)


class JsonLinesSource:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = [dict(row) for row in ROWS]
        write(path, self.rows)

    def connector(self) -> JsonLinesConnector:
        return connector(self.path)

    def change(self) -> str:
        self.rows[0]["text"] += " Then reconnect."
        write(self.path, self.rows)
        return "kb:vpn"

    def remove(self) -> str:
        del self.rows[1]
        write(self.path, self.rows)
        return "kb:leave"

    def damage(self) -> None:
        self.path.write_bytes(self.path.read_bytes()[:-20])


class TestJsonLinesConnector(ConnectorContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> JsonLinesSource:
        return JsonLinesSource(tmp_path / "kb.jsonl")


def test_text_and_html_keep_their_media_types_titles_and_addresses(tmp_path: Path) -> None:
    path = write(tmp_path / "kb.jsonl", ROWS)
    source = connector(path)
    vpn, leave, tea = [source.fetch(entry) for entry in source.entries()]
    assert (vpn.title, vpn.media_type) == ("Harbor VPN", "text/plain")
    assert vpn.body == b"Change Transport to TCP 443."
    assert vpn.url == f"{path.as_uri()}#vpn"
    assert (leave.title, leave.media_type) == ("leave", "text/html")
    assert leave.url == "https://kb.example/7"
    assert tea.title == "tea"
    assert tea.url == f"{path.as_uri()}#tea"


def test_html_counts_where_a_line_has_text_too(tmp_path: Path) -> None:
    source = connector(
        write(tmp_path / "a", [{"id": "1", "text": "Fees", "html": "<h1>Fees</h1>"}])
    )
    document = source.fetch(next(source.entries()))
    assert (document.body, document.media_type) == (b"<h1>Fees</h1>", "text/html")


def test_the_time_is_that_of_the_file(tmp_path: Path) -> None:
    source = connector(write(tmp_path / "a", ROWS))
    entry = next(source.entries())
    changed_s = (tmp_path / "a").stat().st_mtime
    assert source.fetch(entry).updated_at == datetime.fromtimestamp(changed_s, UTC)


@pytest.mark.parametrize(
    "line",
    [
        b"{not json}",
        b'["a list"]',
        b'{"id": "b"}',
        b'{"text": "no id"}',
        b'{"id": "", "text": "empty id"}',
        b'{"id": "a\\nb", "text": "id of two lines"}',
        b'{"id": 7, "text": "id is a number"}',
        b'{"id": "b", "text": ["no", "string"]}',
        b'{"id": "b", "text": "caf\xe9"}',
        b"[" * 100_000,
    ],
)
def test_a_bad_line_is_an_error_that_names_its_number(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "kb.jsonl"
    path.write_bytes(b'{"id": "a", "text": "sound"}\n\n' + line + b"\n")
    with pytest.raises(ConnectorError, match=r"Line 3 of .*kb\.jsonl"):
        list(connector(path).entries())


def test_nothing_is_listed_before_every_line_is_known_to_be_sound(tmp_path: Path) -> None:
    path = tmp_path / "kb.jsonl"
    path.write_text('{"id": "a", "text": "sound"}\n{"id"', encoding="utf-8")
    with pytest.raises(ConnectorError):
        next(connector(path).entries())


def test_an_id_that_comes_twice_is_an_error_that_names_both_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "kb.jsonl", [*ROWS, {"id": "leave", "text": "again"}])
    with pytest.raises(ConnectorError, match="Line 4 .*id of line 2"):
        list(connector(path).entries())


@pytest.mark.parametrize("content", [None, b"", b"\n \n"])
def test_a_missing_or_empty_file_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "kb.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConnectorError, match=r"kb\.jsonl"):
        list(connector(path).entries())


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    plain, windows = tmp_path / "plain", tmp_path / "windows"
    plain.write_bytes(b'{"id": "a", "text": "one"}\n{"id": "b", "text": "two"}\n')
    windows.write_bytes(b'\xef\xbb\xbf{"id": "a", "text": "one"}\r\n{"id": "b", "text": "two"}\r\n')
    bodies = [
        [c.fetch(e).body for e in c.entries()] for c in (connector(plain), connector(windows))
    ]
    assert bodies == [[b"one", b"two"], [b"one", b"two"]]


def test_half_a_surrogate_pair_becomes_a_question_mark(tmp_path: Path) -> None:
    path = tmp_path / "kb.jsonl"
    path.write_text(r'{"id": "a", "title": "Party \ud83d", "text": "Bring \ud83d"}', "utf-8")
    document = connector(path).fetch(next(connector(path).entries()))
    assert (document.title, document.body) == ("Party ?", b"Bring ?")


def test_a_file_replaced_after_the_listing_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "kb.jsonl", ROWS)
    source = connector(path)
    tea = list(source.entries())[2]
    write(path, [{"id": "new", "text": "A longer line moves all others."}, *ROWS])
    assert source.fetch(tea).body == b"Tea is in the first cupboard."


def test_fetching_reads_a_line_not_the_file(tmp_path: Path) -> None:
    rows = [{"id": str(number), "text": f"Page {number}. " * 80} for number in range(14_000)]
    source = connector(write(tmp_path / "kb.jsonl", rows))
    started = perf_counter()
    entries = list(source.entries())
    listing_s = perf_counter() - started
    started = perf_counter()
    for entry in entries[::10]:
        source.fetch(entry)
    fetching_s = perf_counter() - started
    assert len(entries) == 14_000
    assert listing_s < 5  # 0.3 s on two cores
    assert fetching_s < 5  # 0.05 s; reading 14 MB for each of 1,400 documents takes minutes
