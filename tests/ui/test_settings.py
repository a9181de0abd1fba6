"""The settings file: what it names is found beside it, and what is not there is said in words."""

from pathlib import Path

import pytest

from ui import settings, wiring
from ui.settings import Settings, SettingsError
from ui.source_settings import FilesSource


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


FILES = '[[sources]]\ntype = "files"\nname = "handbook"\npath = "."\n'


@pytest.mark.parametrize(
    "misspelt", ["everybody", "Everyone", "ann@x.org", "Group:hr", "group:", "user: ", ""]
)
@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("sources.0.files.readers", "readers = ['everyone', '{}']"),
        ("sources.0.files.rules.0.readers", "readers = []\nrules = [{{path='x', readers=['{}']}}]"),
    ],
    ids=["of the source", "of a rule"],
)
def test_misspelt_readers_are_named_with_the_right_spelling(
    tmp_path: Path, key: str, text: str, misspelt: str
) -> None:
    with pytest.raises(SettingsError) as error:
        loaded(tmp_path, FILES + text.format(misspelt))
    assert key in str(error.value)
    assert (
        f"{misspelt!r} is no principal. Name user:<e-mail address>, group:<name> or everyone."
        in (str(error.value))
    )


def test_readers_are_everyone_people_and_groups_or_nobody(tmp_path: Path) -> None:
    made = loaded(tmp_path, f"{FILES}readers = ['everyone', 'User:Ann@X.org', 'group:HR']")
    (source,) = made.sources
    assert isinstance(source, FilesSource)
    assert source.readers == {"everyone", "user:ann@x.org", "group:HR"}
    (source,) = loaded(tmp_path, f"{FILES}readers = []").sources
    assert isinstance(source, FilesSource)
    assert source.readers == frozenset()


def test_who_may_read_what_a_domain_shares_is_checked_too(tmp_path: Path) -> None:
    drive = '[[sources]]\ntype = "gdrive"\nname = "d"\norganisation = ["staff"]'
    with pytest.raises(SettingsError, match=r"gdrive\.organisation\.0: .*'staff' is no principal"):
        loaded(tmp_path, drive)


def test_a_byte_order_mark_of_windows_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('data_dir = "there"', encoding="utf-8-sig")
    assert settings.load(tmp_path / "settings.toml").data_dir == tmp_path / "there"


@pytest.mark.parametrize("wrong", ["https://footnote.acme.example", "acme.example:443", "*", ""])
def test_a_host_is_a_bare_name(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"web\.hosts\.0"):
        loaded(tmp_path, f"[web]\nhosts = ['{wrong}']")
    hosts = "hosts = ['footnote.acme.example', '10.0.0.7', 'fd00::7']"
    assert loaded(tmp_path, f"[web]\n{hosts}").web.hosts >= {"footnote.acme.example", "fd00::7"}
