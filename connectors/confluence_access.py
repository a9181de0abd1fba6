"""Who may read a page: the space's permission and every restriction above it, as one set.

Decides only; knows no Confluence.
"""

from collections.abc import Callable, Iterable

EVERYONE = "everyone"

Layer = frozenset[str]  # principals that one rule admits; empty: nobody that is known here


def readers(layers: Iterable[Layer], members: Callable[[str], frozenset[str]]) -> frozenset[str]:
    """Return the principals that every layer admits.

    members: a group's people, as "user:…". They are asked for only where layers differ: who may
    read is then whoever each layer names, alone or in a group, which no set of groups can say.
    """
    narrow = _narrowest(layers)
    if not narrow:
        return frozenset({EVERYONE})
    if len(narrow) == 1:
        return narrow[0]
    in_all = frozenset.intersection(*narrow)
    people = frozenset.intersection(*(_people(layer, members) for layer in narrow))
    return in_all | people


def _narrowest(layers: Iterable[Layer]) -> list[Layer]:
    """Return the layers that keep somebody out whom no other does."""
    binding = {layer for layer in layers if EVERYONE not in layer}
    narrow = [layer for layer in binding if not any(other < layer for other in binding)]
    return sorted(narrow, key=sorted)


def _people(layer: Layer, members: Callable[[str], frozenset[str]]) -> frozenset[str]:
    people = {principal for principal in layer if principal.startswith("user:")}
    for principal in layer - people:
        people |= members(principal)
    return frozenset(people)
