"""Which file is which document; the expected ids are written by hand."""

from pathlib import Path

import pytest

from connectors.drive_identity import Place, identified, remember, remembered

BEFORE = {"a.md": Place("a.md", "1"), "b.md": Place("x/b.md", "2"), "c.md": Place("c.md", None)}


@pytest.mark.parametrize(
    ("files", "ids"),
    [
        ([("a.md", "1"), ("x/b.md", "2"), ("c.md", None)], ["a.md", "b.md", "c.md"]),
        ([("y/a.md", "1"), ("b.md", "2")], ["a.md", "b.md"]),
        ([("a.md", "9")], ["a.md"]),  # saved as a new file
        ([("a.md", "9"), ("old.md", "1")], ["a.md", "old.md"]),  # a copy stays behind
        ([("a.md", "2"), ("x/b.md", "1")], ["a.md", "b.md"]),  # they swapped their names
        ([("b.md", "9")], ["b.md@2"]),  # that name is another document's, gone or not
        ([("b.md", "9"), ("x/b.md", "2")], ["b.md@2", "b.md"]),
        ([("d.md", "1"), ("e.md", "1")], ["d.md", "e.md"]),  # two links to the same bytes
        ([("d.md", None)], ["d.md"]),
        ([("\udce9.md", "1")], ["a.md"]),
        ([("\udce9.md", "7")], ["\\xe9.md"]),
    ],
)
def test_a_file_is_the_document_of_its_path_or_else_of_its_key(
    files: list[tuple[str, str | None]], ids: list[str]
) -> None:
    found = identified([Place(*each) for each in files], BEFORE)
    assert {id: (place.path, place.key) for id, place in found.items()} == dict(
        zip(ids, files, strict=True)
    )


def test_a_key_that_two_documents_had_moves_neither() -> None:
    before = {"a.md": Place("a.md", "1"), "b.md": Place("b.md", "1")}
    assert set(identified([Place("c.md", "1")], before)) == {"c.md"}


def test_a_memory_gives_back_what_it_was_given(tmp_path: Path) -> None:
    files = {**BEFORE, "\\xe9.md": Place("\udce9.md", "3")}
    remember(tmp_path / "folder" / "drive.json", files)
    assert remembered(tmp_path / "folder" / "drive.json") == files
