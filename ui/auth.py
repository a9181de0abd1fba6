"""Who is asking → principals. Unknown people are everyone's equals and no more."""

from collections.abc import Mapping, Set

from index.access import EVERYONE, expand


def principals_of(email: str | None, groups: Mapping[str, Set[str]]) -> frozenset[str]:
    """Return the principals of a person; without an address only what everyone has.

    groups: name -> its members, see `index.access.expand`.
    """
    own = {f"user:{email.strip()}"} if email is not None and email.strip() else set()
    return expand({EVERYONE} | own, groups)
