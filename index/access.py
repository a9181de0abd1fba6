"""Who may read what: the one rule, and who a person is through groups of groups.

A principal is "everyone", "user:<address>" or "group:<name>".
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

EVERYONE = "everyone"  # the principal that every person has, known or unknown
GROUP = "group:"
USER = "user:"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read a document: principals allowed, less principals denied."""

    allowed: frozenset[str]  # empty means nobody
    denied: frozenset[str] = frozenset()  # wins over allowed


def may_read(
    access: Access, principals: frozenset[str], groups: frozenset[str] | None = None
) -> bool:
    """Return whether someone with these principals is among those who may read.

    groups: see `denies`.
    """
    return not access.allowed.isdisjoint(principals) and not denies(
        access.denied, principals, groups
    )


def denies(
    denied: frozenset[str], principals: frozenset[str], groups: frozenset[str] | None
) -> bool:
    """Return whether someone with these principals is, or may be, among those who are denied.

    groups: every "group:<name>" that has members; None: all have. Who is in another one nobody
    knows, so what is denied to it is denied to everyone. Who has no address may be anybody.
    """
    if not denied.isdisjoint(principals):
        return True
    if not is_somebody(principals):
        return bool(denied)
    return groups is not None and any(name.startswith(GROUP) for name in denied - groups)


def is_somebody(principals: frozenset[str]) -> bool:
    """Return whether the principals say who it is."""
    return any(name.startswith(USER) for name in principals)


def named_groups(groups: Iterable[str]) -> frozenset[str]:
    """Return groups as principals: "hr" as "group:hr"."""
    return normal(f"{GROUP}{name}" for name in groups)


def normal(principals: Iterable[str]) -> frozenset[str]:
    """Return principals as they are compared: e-mail addresses have no case, groups do.

    A denied "user:Ann@X.org" that did not match "user:ann@x.org" would open the document.
    """
    return frozenset(
        name.lower() if name.lower().startswith(USER) else name
        for name in map(str.strip, principals)
    )


def principal(text: str) -> str:
    """Return a principal that somebody wrote, as it is compared. Raises ValueError if it is none.

    One that is misspelt, "everybody" or "Group:hr", would be nobody.
    """
    (name,) = normal([text])
    kind, _, rest = name.partition(":")
    if name != EVERYONE and not (kind in ("user", "group") and rest):
        raise ValueError(
            f"{text!r} is no principal. Name user:<e-mail address>, group:<name> or everyone."
        )
    return name


def expand(principals: Iterable[str], groups: Mapping[str, Set[str]]) -> frozenset[str]:
    """Return the principals with every group that holds one of them, directly or through groups.

    groups: name -> members, each a principal or a bare e-mail address. Groups that hold each
    other end.
    """
    holders: dict[str, set[str]] = {}
    for group, members in groups.items():
        for member in members:
            principal = member if _is_principal(member) else f"{USER}{member}"
            (name,) = normal([principal])
            holders.setdefault(name, set()).add(f"{GROUP}{group}")
    reached = set(normal(principals))
    waiting = list(reached)
    while waiting:
        new = holders.get(waiting.pop(), set()) - reached
        reached |= new
        waiting += new
    return frozenset(reached)


def _is_principal(member: str) -> bool:
    kind, _, name = member.strip().partition(":")
    return member.strip() == EVERYONE or (kind.lower() in ("user", "group") and bool(name))
