"""Spaces and restrictions as one set of principals, against people who try each rule."""

import random

import pytest

from connectors.confluence_access import EVERYONE, readers
from index.access import Access, may_read

GROUPS = {"group:a": {"user:1", "user:2"}, "group:b": {"user:2", "user:3"}, "group:c": set()}
PEOPLE = [f"user:{number}" for number in range(5)]


def members(group: str) -> frozenset[str]:
    return frozenset(GROUPS[group])


def unasked(group: str) -> frozenset[str]:
    raise AssertionError(f"{group} need not be asked for")


def principals(person: str) -> frozenset[str]:
    return frozenset({person, EVERYONE, *(g for g, who in GROUPS.items() if person in who)})


@pytest.mark.parametrize("seed", range(200))
def test_who_may_read_is_who_passes_every_layer(seed: int) -> None:
    chance = random.Random(seed)
    every = [EVERYONE, *GROUPS, *PEOPLE]
    layers = [
        frozenset(chance.sample(every, chance.randint(0, 4))) for _ in range(chance.randint(1, 4))
    ]
    found = Access(readers(layers, members))
    for person in PEOPLE:
        passes = all(layer & principals(person) for layer in layers)
        assert may_read(found, principals(person)) == passes


def test_groups_are_asked_for_only_where_layers_differ() -> None:
    staff, both = frozenset({"group:a"}), frozenset({"group:a", "group:b"})
    assert readers([staff, both], unasked) == staff
    assert readers([staff, frozenset({EVERYONE}), staff], unasked) == staff
    assert readers([frozenset({EVERYONE})], unasked) == {EVERYONE}


def test_nobody_is_let_in_by_a_layer_that_admits_nobody() -> None:
    assert readers([frozenset({"group:a"}), frozenset()], unasked) == frozenset()
