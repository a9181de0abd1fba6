"""Which rule a path falls under, and with it who may read the file."""

import pytest

from connectors.path_rules import PathRules

ALL, HR = frozenset({"everyone"}), frozenset({"group:hr"})


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("[Confidential] HR/**", "[Confidential] HR/pay.md"),
        ("Projects [2024]/", "Projects [2024]/a/b.md"),
        ("[HI]R/**", "HR/pay.md"),
        ("HR?/*.md", "HR1/pay.md"),
    ],
)
def test_a_name_in_brackets_means_itself_and_a_class_its_letters(glob: str, path: str) -> None:
    assert PathRules(ALL, [(glob, HR)]).readers_of(path) == HR


def test_a_class_matches_none_but_its_letters() -> None:
    rules = PathRules(ALL, [("[HI]R/**", HR)])
    assert rules.readers_of("ER/pay.md") == rules.readers_of("HIR/pay.md") == ALL
