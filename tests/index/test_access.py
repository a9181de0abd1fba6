"""The one rule and the groups, against oracles that work another way."""

import random

import pytest

from index.access import EVERYONE, Access, expand, may_read, normal

PEOPLE = [f"p{n}@x.org" for n in range(8)]
GROUPS = [f"g{n}" for n in range(7)]


def is_in(person: str, group: str, groups: dict[str, frozenset[str]], depth: int) -> bool:
    """Say by walking down from the group, at most as deep as there are groups."""
    members = groups.get(group, frozenset())
    if person in members or f"user:{person}" in members or EVERYONE in members:
        return True
    return depth > 0 and any(
        is_in(person, member.removeprefix("group:"), groups, depth - 1)
        for member in members
        if member.startswith("group:")
    )


def graph(dice: random.Random) -> dict[str, frozenset[str]]:
    members = [*PEOPLE, *(f"user:{p}" for p in PEOPLE), *(f"group:{g}" for g in GROUPS)]
    members += ["group:nowhere", *([EVERYONE] if dice.random() < 0.1 else [])]
    return {g: frozenset(dice.sample(members, dice.randint(0, 4))) for g in GROUPS}


@pytest.mark.parametrize("seed", range(500))
def test_nested_groups_with_cycles_are_what_walking_down_finds(seed: int) -> None:
    dice = random.Random(seed)
    groups = graph(dice)
    for person in dice.sample(PEOPLE, 3):
        inside = {f"group:{g}" for g in GROUPS if is_in(person, g, groups, len(GROUPS))}
        principals = expand({EVERYONE, f"user:{person}"}, groups)
        assert principals == inside | {EVERYONE, f"user:{person}"}
        allowed, denied = (
            frozenset(dice.sample([f"group:{g}" for g in GROUPS] + [f"user:{person}"], k))
            for k in (3, 2)
        )
        expected = bool(allowed & principals) and not denied & principals
        assert may_read(Access(allowed, denied), principals) is expected


def test_groups_that_hold_each_other_end() -> None:
    groups = {"a": {"group:b"}, "b": {"group:a", "ann@x.org"}, "self": {"group:self"}}
    assert expand({"user:ann@x.org"}, groups) == {"user:ann@x.org", "group:a", "group:b"}
    assert expand({EVERYONE}, groups) == {EVERYONE}


def test_deny_wins() -> None:
    both = Access(frozenset({"user:ann@x.org", EVERYONE}), frozenset({"group:interns"}))
    assert may_read(both, frozenset({EVERYONE, "user:ann@x.org"}))
    assert not may_read(both, frozenset({EVERYONE, "user:ann@x.org", "group:interns"}))


@pytest.mark.parametrize(
    ("principals", "groups", "reads"),
    [
        ({EVERYONE, "user:ann@x.org"}, {"group:interns"}, True),
        ({EVERYONE, "user:ann@x.org", "group:interns"}, {"group:interns"}, False),
        ({EVERYONE, "user:ann@x.org"}, {"group:Interns", "group:hr"}, False),
        ({EVERYONE, "user:ann@x.org"}, set(), False),
        ({EVERYONE}, {"group:interns"}, False),
    ],
    ids=["not in it", "in it", "of other letter case", "defined by nobody", "without an address"],
)
def test_what_is_denied_to_a_group_is_closed_to_whoever_may_be_in_it(
    principals: set[str], groups: set[str], reads: bool
) -> None:
    access = Access(frozenset({EVERYONE}), frozenset({"group:interns"}))
    assert may_read(access, frozenset(principals), frozenset(groups)) is reads
    assert may_read(Access(frozenset({EVERYONE})), frozenset(principals), frozenset(groups))


def test_addresses_have_no_case_and_groups_do() -> None:
    assert normal({" User:Ann@X.org ", "group:Eng", EVERYONE}) == {
        "user:ann@x.org", "group:Eng", EVERYONE,
    }  # fmt: skip
    assert "group:eng" in expand({"user:ANN@x.org"}, {"eng": {"Ann@X.org"}})


def test_an_address_that_looks_like_a_group_is_only_a_person() -> None:
    principals = expand({EVERYONE, "user:group:hr"}, {"hr": {"ann@x.org"}})
    assert principals == {EVERYONE, "user:group:hr"}
