"""[retrieval] reranker: off by default, loaded from a folder, its cost told."""

from pathlib import Path

import pytest

from tests.fake_models import OverlapReader
from tests.index.test_rerank import PAGES, VECTOR, FadingStore, tiny_cross_encoder
from tests.ui.fake_answers import EVERYONE
from ui import reranking, settings
from ui.reranking import Timed
from ui.settings import RetrievalSection, SettingsError


def section(folder: Path, text: str) -> RetrievalSection:
    file = folder / "settings.toml"
    file.write_text(f"[retrieval]\n{text}")
    return settings.load(file).retrieval


def test_without_a_name_there_is_no_reranker_and_no_cost(tmp_path: Path) -> None:
    plain = FadingStore(PAGES)
    store = reranking.ordered(plain, section(tmp_path, ""))
    assert store is plain
    assert reranking.cost(store) == ""
    assert reranking.probed(RetrievalSection()) == "none"


def test_a_folder_beside_the_settings_is_loaded_and_its_cost_counted(tmp_path: Path) -> None:
    tiny_cross_encoder(tmp_path / "tiny")
    store = reranking.ordered(FadingStore(PAGES), section(tmp_path, 'reranker = "tiny"\ndepth = 5'))
    assert reranking.cost(store) == "tiny, 5 passages a search, not used yet"
    for _ in range(2):
        assert len(store.pinned().search("How many weeks?", VECTOR, 2, EVERYONE)) == 2
    assert reranking.cost(store).startswith("tiny, 5 passages a search, median ")
    assert reranking.cost(store).endswith(" ms of 2 searches")


def test_the_doctor_times_it(tmp_path: Path) -> None:
    tiny_cross_encoder(tmp_path / "tiny")
    said = reranking.probed(section(tmp_path, 'reranker = "tiny"'))
    assert said.startswith("tiny, 20 passages a search, median ")
    assert said.endswith(" ms of 3 searches")


def test_a_model_that_is_not_there_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="reranker 'no/such' cannot be loaded.*Name the folder"):
        reranking.load("no/such")


def test_time_is_counted_for_every_search_and_scores_stay_as_they_are() -> None:
    timed = Timed(OverlapReader())
    plain = OverlapReader().scores("pay day", ["pay", "a day of pay"])
    assert list(timed.scores("pay day", ["pay", "a day of pay"])) == list(plain)
    assert len(timed.seconds) == 1
    assert timed.seconds[0] >= 0
