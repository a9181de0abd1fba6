"""What connectors/README.md says of the tests."""

import re
from pathlib import Path

from pydantic import TypeAdapter

from ui.source_settings import Source

ROOT = Path(__file__).parents[2]
README = (ROOT / "connectors/README.md").read_text()


def test_every_test_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(tests/\S+\.py)`", README))
    assert len(named) > 9
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_type_of_source_has_a_row_in_the_table_of_what_holds() -> None:
    _, _, table = README.partition("## What was seen to hold")
    rows = set(re.findall(r"^\| `(\w+)`.*●", table.partition("\n## ")[0], re.M))
    assert rows == set(TypeAdapter(Source).json_schema()["discriminator"]["mapping"])
