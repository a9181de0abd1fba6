"""DokuWiki's access rules as principals; what each case means was read off a real DokuWiki."""

import pytest

from connectors.dokuwiki_acl import Names, access

NAMES = Names("acme.example")


def readers(acl: dict[str, dict[str, int]], id: str, names: Names = NAMES) -> list[set[str]]:
    return [set(principals) for principals in access(acl, id, names)]


def test_without_a_rule_nobody_reads() -> None:
    assert readers({}, "start") == [set(), set()]
    assert readers({"hr:*": {"@ALL": 1}}, "it:vpn") == [set(), set()]


def test_groups_users_and_everyone_become_principals() -> None:
    acl = {"*": {"@ALL": 1, "@Staff": 8, "ann": 1, "bob@other.example": 1}}
    assert readers(acl, "start") == [
        {"everyone", "group:Staff", "user:ann@acme.example", "user:bob@other.example"},
        set(),
    ]


def test_the_most_specific_scope_that_is_for_everyone_decides_alone() -> None:
    acl = {"*": {"@ALL": 1}, "hr:*": {"@ALL": 0, "@hr": 8}, "hr:open": {"@ALL": 1}}
    assert readers(acl, "hr:pay:2026") == [{"group:hr"}, set()]
    assert readers(acl, "hr:open") == [{"everyone"}, set()]
    assert readers(acl, "start") == [{"everyone"}, set()]


def test_who_is_refused_closer_to_the_page_is_denied() -> None:
    acl = {"*": {"@ALL": 1}, "hr:*": {"@interns": 0}}
    assert readers(acl, "hr:pay") == [{"everyone"}, {"group:interns"}]
    assert readers(acl, "start") == [{"everyone"}, set()]


def test_who_is_admitted_closer_to_the_page_is_not_denied() -> None:
    acl = {"*": {"@ALL": 1}, "hr:*": {"@interns": 0}, "hr:pay": {"@interns": 1}}
    assert readers(acl, "hr:pay") == [{"everyone", "group:interns"}, set()]


def test_within_a_scope_the_highest_level_counts() -> None:
    assert readers({"*": {"@ALL": 1, "@interns": 0}}, "start") == [{"everyone"}, set()]


def test_a_refused_user_whose_address_is_not_known_closes_the_page_to_others() -> None:
    acl = {"*": {"@ALL": 1}, "hr:*": {"bob": 0, "@hr": 1}}
    assert readers(acl, "hr:pay") == [{"everyone", "group:hr"}, {"user:bob@acme.example"}]
    assert readers(acl, "hr:pay", Names(None)) == [{"group:hr"}, set()]


@pytest.mark.parametrize("level", [0, 1])
def test_a_group_of_all_employees_is_everyone(level: int) -> None:
    names = Names(None, frozenset({"user"}))
    acl = {"*": {"@ALL": 0, "@user": level}}
    assert readers(acl, "start", names) == [{"everyone"} if level else set(), set()]


def test_a_file_has_the_rights_of_its_namespace() -> None:
    acl = {"*": {"@ALL": 1}, "hr:*": {"@ALL": 0, "@hr": 1}, "hr:plan.pdf": {"@ALL": 1}}
    assert readers(acl, "hr:*") == [{"group:hr"}, set()]
    assert readers(acl, "*") == [{"everyone"}, set()]
