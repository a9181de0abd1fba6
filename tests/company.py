"""A random company: nested groups, people, pages that some may read and some may not."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from index.access import named_groups
from index.local import LocalBuild, PublishedStore
from tests.contracts.store import StoreContract, document

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
WORDS = (
    "leave travel budget gateway firmware probe invoice holiday contract sensor pump valve rota"
    " badge payroll audit laptop parking visa bonus"
).split()


@dataclass
class Page:
    """A document, and who may read it in the plainest words there are."""

    id: str
    title: str
    texts: list[str]
    readers: frozenset[str]
    denied: frozenset[str]


@dataclass
class Company:
    """Everything drawn from one seed."""

    seed: int
    documents: int = 60
    people: list[str] = field(default_factory=lambda: [f"p{n}@x.org" for n in range(20)])
    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    def __post_init__(self) -> None:
        dice = random.Random(self.seed)
        names = [f"g{n}" for n in range(8)]
        members = [*self.people, *(f"group:{name}" for name in names)]
        self.groups = {name: frozenset(dice.sample(members, dice.randint(1, 5))) for name in names}
        principals = [
            "everyone", *(f"group:{n}" for n in names), *(f"user:{p}" for p in self.people)
        ]  # fmt: skip
        weights = [6, *[3] * len(names), *[1] * len(self.people)]
        for number in range(self.documents):
            topic = dice.choice(WORDS)
            texts = [
                f"The {topic} of section {part} needs {' '.join(dice.choices(WORDS, k=12))}."
                for part in range(dice.randint(1, 3))
            ]
            self.pages.append(
                Page(
                    f"wiki:{number:03d}",
                    f"{topic.title()} marker{number:03d}",
                    texts,
                    frozenset(dice.choices(principals, weights, k=dice.randint(0, 3))),
                    frozenset(dice.choices(principals[1:], k=dice.choice([0, 0, 1, 2]))),
                )
            )

    def is_in(self, person: str | None, principal: str, depth: int = 9) -> bool:
        """Say whether a principal means a person, by walking down; None is a stranger."""
        if principal == "everyone":
            return True
        kind, _, name = principal.partition(":")
        if kind == "user":
            return name == person
        return depth > 0 and any(
            member == person or (":" in member and self.is_in(person, member, depth - 1))
            for member in self.groups[name]
        )

    def may_read(self, person: str | None, page: Page) -> bool:
        """Say it plainly. Who has no address may be anybody, also somebody who is denied."""
        denied = any(self.is_in(person, each) for each in page.denied)
        nobody_knows = person is None and bool(page.denied)
        return any(self.is_in(person, each) for each in page.readers) and not (
            denied or nobody_knows
        )

    def publish(self, data: Path, pages: list[Page]) -> PublishedStore:
        """Make an index of some of the pages; return it open."""
        build = LocalBuild(data, recipe="r", dim=384, now=NOW, rebuild=True)
        for page in pages:
            info = document(page.id, title=page.title, readers=page.readers, denied=page.denied)
            StoreContract().put(build, info, page.texts)
        build.publish({})
        build.abandon()
        return PublishedStore(data, recipe="r", groups=named_groups(self.groups))


def question(dice: random.Random) -> str:
    """Return words that some pages have; now and then a page's own marker."""
    marker = [f"marker{dice.randrange(60):03d}"] if dice.random() < 0.3 else []
    return " ".join([*dice.choices(WORDS, k=dice.randint(1, 3)), *marker])
