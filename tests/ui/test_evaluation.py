"""The private index that questions are measured on."""

from pathlib import Path

import pytest

from index import inventory
from ingest import chunk
from ui import evaluation, settings


@pytest.mark.model
def test_a_folder_of_quite_other_documents_is_indexed_by_another_version_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.stay_offline()
    monkeypatch.setattr(evaluation, "PRIVATE", tmp_path / "private")
    page = tmp_path / "documents" / "leave.md"
    page.parent.mkdir()
    page.write_text("Parental leave is 20 weeks.")
    evaluation.indexed(tmp_path)
    page.rename(page.with_name("holidays.md"))
    monkeypatch.setattr(chunk, "VERSION", "the next one")
    private = evaluation.indexed(tmp_path)
    assert list(inventory.documents(private.data_dir, "documents")) == ["documents:holidays.md"]
