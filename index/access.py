"""Who may read what: the one rule."""

EVERYONE = "everyone"  # the principal that every person has, known or unknown


def may_read(readers: frozenset[str], principals: frozenset[str]) -> bool:
    """Return whether someone with these principals may read what these readers may."""
    return not readers.isdisjoint(principals)
