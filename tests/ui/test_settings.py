"""The settings file: what it names is found beside it, and what is not there is said in words."""

from pathlib import Path

import pytest

from ui import settings, wiring
from ui.settings import Settings, SettingsError


def loaded(folder: Path, text: str) -> Settings:
    folder.mkdir(exist_ok=True)
    file = folder / "settings.toml"
    file.write_text(text)
    return settings.load(file)


@pytest.mark.parametrize(
    ("text", "section", "key"),
    [
        ('data_dir = "there"', "", "data_dir"),
        ('[embedder]\nmodel = "there"', "embedder", "model"),
        ('[model]\npath = "there"', "model", "path"),
        ('[model]\nengine = "transformers"\nadapter = "there"', "model", "adapter"),
    ],
)
def test_a_path_is_found_beside_the_settings_from_wherever_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, section: str, key: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = loaded(Path("company"), text)
    value = getattr(getattr(made, section) if section else made, key)
    assert Path(value) == tmp_path / "company" / "there"


@pytest.mark.parametrize("engine", ["openvino", "sentence-transformers"])
@pytest.mark.parametrize("there", [False, True], ids=["nothing", "an empty folder"])
def test_an_encoder_that_cannot_be_loaded_is_named_with_the_way_out(
    tmp_path: Path, engine: str, there: bool
) -> None:
    if there:
        (tmp_path / "minilm").mkdir()
    made = loaded(tmp_path, f'[embedder]\nengine = "{engine}"\nmodel = "minilm"')
    with pytest.raises(SettingsError, match=r"\[embedder\] model '.*minilm' cannot be loaded") as e:
        wiring.embedder(made.embedder)
    assert "Name the folder of a sentence-transformers model" in str(e.value)
