"""Who is asking → principals. Unknown people are everyone's equals and no more."""

from collections.abc import Mapping, Set

from index.access import EVERYONE


def principals_of(email: str | None, groups: Mapping[str, Set[str]]) -> frozenset[str]:
    """Return the principals of a person; without an address only what everyone has.

    groups: name -> addresses of its members; addresses compare without regard to case.
    """
    if email is None or not email.strip():
        return frozenset({EVERYONE})
    address = email.strip().lower()
    member_of = {
        f"group:{name}"
        for name, members in groups.items()
        if address in {member.lower() for member in members}
    }
    return frozenset({EVERYONE, f"user:{address}"} | member_of)
