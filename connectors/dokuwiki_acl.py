"""DokuWiki's access rules as sets of principals. Decides only; knows no wiki."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

READ = 1  # DokuWiki's level; 0 forbids, higher ones may also write

_ALL = "@ALL"

Acl = Mapping[str, Mapping[str, int]]  # scope ("hr:*", "hr:pay") -> subject ("@hr", "ann") -> level


@dataclass(frozen=True, slots=True)
class Names:
    """How DokuWiki's people and groups are called in Footnote."""

    user_domain: str | None  # "acme.example" makes "ann" user:ann@acme.example; None: user:ann
    everyone_groups: frozenset[str] = frozenset()  # groups that hold every employee, as "user" may


def access(acl: Acl, id: str, names: Names) -> tuple[frozenset[str], frozenset[str]]:
    """Return who may read a page (or "namespace:*", for its files), and who may not all the same.

    In DokuWiki the most specific scope that has a rule for somebody decides, and within it the
    highest level. Sets of principals cannot say all of that: who is in one group that a scope
    admits and in another that it forbids is admitted there, and denied here.
    """
    allowed: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    for levels in reversed(list(_deciding(acl, id, names))):
        admitted = {subject for subject, level in levels.items() if level >= READ}
        refused = levels.keys() - admitted if _ALL not in admitted else set()
        granted = frozenset(_principal(subject, names) for subject in admitted)
        if any(_is_nobody(subject, names) for subject in refused):
            allowed = frozenset()  # nobody could be told apart from those whom this refuses
        if allowed:
            refusals = {_principal(subject, names) for subject in refused}
            denied = (denied | refusals) - granted
            allowed -= refusals
        allowed |= granted
    return allowed, denied if allowed else frozenset()


def _deciding(acl: Acl, id: str, names: Names) -> Iterator[dict[str, int]]:
    """Yield what each scope says, the most specific first, down to one that is for everyone."""
    for scope in _scopes(id):
        levels: dict[str, int] = {}
        for subject, level in acl.get(scope, {}).items():
            name = _ALL if subject.removeprefix("@") in _groups(subject, names) else subject
            levels[name] = max(level, levels.get(name, 0))
        yield levels
        if _ALL in levels:
            return


def _groups(subject: str, names: Names) -> frozenset[str]:
    return names.everyone_groups if subject.startswith("@") else frozenset()


def _scopes(id: str) -> Iterator[str]:
    yield id
    namespace = id
    while ":" in namespace:
        namespace = namespace.rpartition(":")[0]
        if f"{namespace}:*" != id:
            yield f"{namespace}:*"
    if id != "*":
        yield "*"


def _principal(subject: str, names: Names) -> str:
    if subject == _ALL:
        return "everyone"
    if subject.startswith("@"):
        return f"group:{subject[1:]}"
    if names.user_domain and "@" not in subject:
        return f"user:{subject}@{names.user_domain}"
    return f"user:{subject}"


def _is_nobody(subject: str, names: Names) -> bool:
    """Whether it is a user whose address in Footnote is not known."""
    return "@" not in subject and names.user_domain is None
