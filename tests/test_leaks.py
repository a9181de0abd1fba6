"""What somebody may not read: in no answer, no count, no ranking, no cache. Oracles are plain."""

import inspect
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

from index import local
from index.access import EVERYONE
from index.base import Hit, Store
from index.lexical import LexicalIndex
from index.live import Live
from index.local import PublishedStore
from index.overlay import Overlay
from rag import facts
from rag.base import Answer, Found, Question
from rag.confidence import SIGNALS, Calibration
from rag.correct import Policy
from rag.engine import Engine, Limits, Models
from rag.evidence import Weights
from tests.company import NOW, Company, question
from tests.fake_models import OVERLAP, HashEmbedder, ScriptedModel
from tests.rag.corpus import RANKING
from ui import render, viewer
from ui.auth import principals_of

EMBEDDER = HashEmbedder()
ROOT = Path(__file__).parent.parent


def engine(store: Store) -> Engine:
    sure = Weights(np.zeros(len(SIGNALS)), np.ones(len(SIGNALS)), np.zeros(len(SIGNALS)), 0.5)
    return Engine(
        store,
        Models(EMBEDDER, OVERLAP, ScriptedModel("")),
        Calibration(RANKING, sure),
        policy=Policy(accept=0.3),
        limits=Limits(),
    )


def search(store: Store, text: str, principals: frozenset[str], k: int = 5) -> list[Hit]:
    return store.search(text, EMBEDDER.embed_query(text), k, principals)


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(seed=4)


@pytest.fixture(scope="module")
def store(company: Company, tmp_path_factory: pytest.TempPathFactory) -> PublishedStore:
    return company.publish(tmp_path_factory.mktemp("all"), company.pages)


def test_ten_thousand_searches_show_nothing_forbidden(
    company: Company, store: PublishedStore
) -> None:
    dice = random.Random(1)
    askers = [None, *company.people]
    may = {who: {p.id for p in company.pages if company.may_read(who, p)} for who in askers}
    assert 0 < min(map(len, may.values())) < max(map(len, may.values())) < len(company.pages)
    every = [page.id for page in company.pages]
    for _ in range(10_000):
        who, text = dice.choice(askers), question(dice)
        principals = principals_of(who, company.groups)
        hits = search(store, text, principals)
        marked = {f"wiki:{number}" for number in re.findall(r"marker([0-9]{3})", repr(hits))}
        assert marked <= may[who]
        assert {hit.chunk.document.id for hit in hits} <= may[who]
        assert len(hits) == 5 or len(hits) == sum(
            len(page.texts) for page in company.pages if page.id in may[who]
        )
    for who in askers:
        principals = principals_of(who, company.groups)
        assert store.readable(every, principals) == may[who]
        assert {id for id in every if store.read(id, principals)} == may[who]


@pytest.fixture(scope="module")
def twins(company: Company, tmp_path_factory: pytest.TempPathFactory) -> dict[str, PublishedStore]:
    """Return for some people an index in which only what they may read was ever put."""
    made = {}
    for who in company.people[:6]:
        mine = [page for page in company.pages if company.may_read(who, page)]
        made[who] = company.publish(tmp_path_factory.mktemp("twin"), mine)
    return made


def test_a_search_is_to_the_last_bit_what_it_is_without_the_forbidden_pages(
    company: Company, store: PublishedStore, twins: dict[str, PublishedStore]
) -> None:
    dice = random.Random(2)
    for _ in range(1000):
        who, text, k = dice.choice(list(twins)), question(dice), dice.choice([1, 5, 50])
        principals = principals_of(who, company.groups)
        assert search(store, text, principals, k) == search(twins[who], text, principals, k)


def test_answers_counts_and_errors_are_the_same_bytes_without_the_forbidden_pages(
    company: Company, store: PublishedStore, twins: dict[str, PublishedStore]
) -> None:
    dice = random.Random(3)
    statuses = set()
    for _ in range(120):
        who = dice.choice(list(twins))
        asked = Question(question(dice), principals_of(who, company.groups))
        seen = [shown(each, asked) for each in (store, twins[who])]
        assert seen[0] == seen[1]
        statuses.add(json.loads(seen[0])["answer"]["status"])
    assert statuses == {"answered", "abstained"}
    for who, twin in twins.items():
        principals = principals_of(who, company.groups)
        for page in company.pages:
            pages = [viewer.page(s.read(page.id, principals), None, NOW) for s in (store, twin)]
            assert pages[0] == pages[1]


def shown(store: Store, asked: Question) -> str:
    """Return all that a person gets, but for the answer's random id and its timings."""
    found, *_, answer = engine(store).stream(asked)
    assert isinstance(found, Found)
    assert isinstance(answer, Answer)
    body = render.to_json(answer)
    for chance in ("id", "timings"):
        body.pop(chance)
    return json.dumps({"found": repr(found), "answer": body}, default=str)


def test_a_thousand_times_what_one_saw_is_not_what_the_next_sees(
    company: Company, store: PublishedStore, twins: dict[str, PublishedStore]
) -> None:
    dice = random.Random(5)
    differ = 0
    for _ in range(1000):
        first, second = dice.sample(list(twins), 2)
        text = question(dice)
        before = search(store, text, principals_of(first, company.groups))
        after = search(store, text, principals_of(second, company.groups))
        assert after == search(twins[second], text, principals_of(second, company.groups))
        differ += before != after
    assert differ > 500


def test_what_was_cached_before_a_revocation_is_not_used_after_it(tmp_path: Path) -> None:
    company = Company(seed=6, documents=200)
    store = company.publish(tmp_path, company.pages)
    overlay = Overlay(Live(tmp_path))
    dice = random.Random(7)
    denied: set[str] = set()
    everyone = frozenset({EVERYONE})
    open_pages = {page.id for page in company.pages if company.may_read(None, page)}
    assert len(open_pages) > 2
    for _ in range(60):
        page = dice.choice(sorted(open_pages))
        if page in denied:
            overlay.allow(EVERYONE, page)
        else:
            overlay.deny(EVERYONE, page, NOW)
        denied ^= {page}
        hits = search(store, question(dice), everyone, 50)
        assert {hit.chunk.document.id for hit in hits} == open_pages - denied


def test_the_only_cache_on_the_way_of_a_question_is_keyed_by_principals_and_overlay() -> None:
    found = {}
    for file in [f for room in ("index", "rag", "ui") for f in (ROOT / room).rglob("*.py")]:
        text = file.read_text(encoding="utf-8")
        kinds = re.findall(
            r"\b(?:lru_cache|functools\.cache|import cache|cached_property)\(.*", text
        )
        if kinds:
            found[file.relative_to(ROOT).as_posix()] = kinds
    # The facts of a sentence are its own, whoever reads it: the sentence is the key.
    assert found.pop("rag/facts.py")[0].startswith("lru_cache(maxsize=4096)")
    assert [*inspect.signature(facts.facts).parameters] == ["text"]
    # Of one generation and the settings' groups; the second key is one object an epoch of the
    # overlay.
    kept = "lru_cache(maxsize=256)(partial(_readable_rows, self._rows, owners, groups))"
    assert found == {"index/local.py": [kept]}
    names = [*inspect.signature(local._readable_rows).parameters]
    assert names == ["rows", "owners", "groups", "principals", "forbidden"]
    # What is kept of a word is read before anybody's rights are looked at.
    read = inspect.signature(LexicalIndex._postings).parameters.values()
    assert [each.name for each in read] == ["self", "database", "tokens"]
