import pytest

from connectors.slack_text import Raw
from connectors.slack_workspace import Person, is_shared, members, person_of


class TestPeople:
    @pytest.mark.parametrize(
        ("user", "name"),
        [
            ({"id": "U1", "name": "ann", "profile": {"real_name": "Ann  Lee"}}, "Ann Lee"),
            ({"id": "U1", "name": "ann", "profile": {"display_name": "annie"}}, "annie"),
            ({"id": "U1", "name": "ann", "profile": {"real_name": ""}}, "ann"),
            ({"id": "U1"}, "U1"),
        ],
    )
    def test_the_real_name_comes_before_the_others(self, user: Raw, name: str) -> None:
        assert person_of(user).name == name

    def test_the_address_is_in_lower_case(self) -> None:
        assert (
            person_of({"id": "U1", "profile": {"email": "Ann@X.example"}}).email == "ann@x.example"
        )

    @pytest.mark.parametrize("mark", [{"deleted": True}, {"is_bot": True}, {"id": "USLACKBOT"}])
    def test_who_left_and_who_is_a_bot_have_no_address(self, mark: Raw) -> None:
        user = {"id": "U1", "profile": {"email": "ann@x.example"}, **mark}
        assert person_of(user).email is None

    @pytest.mark.parametrize("flag", ["is_restricted", "is_ultra_restricted", "is_stranger"])
    def test_guests_and_people_of_other_companies_are_told_apart(self, flag: str) -> None:
        assert person_of({"id": "U1", flag: True}).is_guest
        assert not person_of({"id": "U1", flag: False}).is_guest

    def test_an_address_that_was_never_confirmed_is_none(self) -> None:
        user: Raw = {"id": "U1", "profile": {"email": "a@x.example"}, "is_email_confirmed": False}
        assert person_of(user).email is None


def test_members_are_those_with_an_address_without_guests_that_are_not_listed() -> None:
    people = {
        "U1": Person("Ann", "ann@x.example", is_bot=False),
        "U2": Person("Bo", None, is_bot=False),
        "U3": Person("Gus", "gus@guest.example", is_bot=False, is_guest=True),
        "U4": Person("Gil", "gil@guest.example", is_bot=False, is_guest=True),
    }
    ids = ["U1", "U2", "U3", "U4", "U9", None]
    assert members(ids, people) == {"user:ann@x.example"}
    assert members(ids, people, frozenset({"gil@guest.example"})) == {
        "user:ann@x.example",
        "user:gil@guest.example",
    }


@pytest.mark.parametrize(
    "facts",
    [
        {"is_shared": True},
        {"is_ext_shared": True},
        {"is_org_shared": True},
        {"is_pending_ext_shared": True},
        {"pending_shared": ["T2"]},
        {"pending_connected_team_ids": ["T2"]},
    ],
)
def test_a_channel_that_another_workspace_reads_or_is_invited_to_is_shared(facts: Raw) -> None:
    assert is_shared(facts)
    assert not is_shared(dict.fromkeys(facts, False))
    assert not is_shared(dict.fromkeys(facts, []))
