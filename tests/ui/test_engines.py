"""[model]: each engine takes its own keys, and the wiring makes it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.base import ModelError
from tests.contracts.language_model import said
from tests.fake_models import ScriptedModel
from tests.rag import tiny_model
from tests.rag.models import completion_server
from tests.rag.models.completion_server import KEY, CompletionServer
from ui import settings, wiring
from ui.settings import ModelSection, SettingsError


@pytest.fixture
def server() -> Iterator[CompletionServer]:
    with completion_server.running(ScriptedModel("At five. [1]")) as state:
        yield state


def section(folder: Path, text: str) -> ModelSection:
    file = folder / "settings.toml"
    file.write_text(f"[model]\n{text}")
    return settings.load(file).model


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('engine = "gpt"', "model.engine: Input should be"),
        ('engine = "server"', "engine 'server' needs 'address'"),
        ('engine = "server"\naddress = "http://a:1/v1"', "engine 'server' needs 'name'"),
        ('engine = "server"\npath = "m.gguf"', "engine 'server' takes no 'path'"),
        ('adapter = "a"', "takes no 'adapter'; that is for transformers"),
        ('address = "http://a:1/v1"', "engine 'openvino' takes no 'address'; that is for server"),
        ('engine = "transformers"\napi_key_env = "K"', "takes no 'api_key_env'; that is for serv"),
        ('engine = "server"\naddress = "a:1"\nname = "m"', "model.address"),
        ('engine = "server"\naddress = "http://me:sk-1@a/v1"\nname = "m"', "model.address"),
    ],
)
def test_keys_that_do_not_go_together_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        section(tmp_path, text)
    assert message in str(caught.value)


def test_paths_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    found = section(tmp_path, 'engine = "transformers"\npath = "base"\nadapter = "tuned"')
    assert (found.path, found.adapter) == (tmp_path / "base", tmp_path / "tuned")


def test_a_server_answers_with_the_key_of_the_environment(
    server: CompletionServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.key = KEY
    text = f'engine = "server"\naddress = "{server.address}"\nname = "{server.model}"\n'
    with pytest.raises(ModelError, match="api_key_env"):
        said(wiring.model(section(tmp_path, text), tmp_path), 9)
    keyed = section(tmp_path, text + 'api_key_env = "HOUSE_KEY"')
    with pytest.raises(SettingsError, match="HOUSE_KEY is not set"):
        wiring.model(keyed, tmp_path)
    monkeypatch.setenv("HOUSE_KEY", KEY)
    assert "".join(token.text for token in said(wiring.model(keyed, tmp_path), 9)) == "At five. [1]"


def test_a_server_needs_none_of_the_heavy_libraries() -> None:
    script = "import sys, rag.models.server; print({'torch', 'peft'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.model
@pytest.mark.filterwarnings("ignore")
def test_transformers_runs_a_folder(tmp_path: Path) -> None:
    tiny_model.build(tmp_path / "base-1.5")
    model = wiring.model(section(tmp_path, 'engine = "transformers"\npath = "base-1.5"'), tmp_path)
    assert model.name == "base-1.5"
    assert len(said(model, 3)) == 3
