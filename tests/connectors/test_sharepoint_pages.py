"""Pages of SharePoint sites: files of one more drive, with the text that Graph has of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Document, Entry
from connectors.sharepoint import Selection
from ingest.parse import parse
from tests.connectors.google_drive import Fault
from tests.connectors.graph import PAGES, SITE, Graph, Json, graph, person, site_group
from tests.connectors.test_client import PATIENT
from tests.connectors.test_sharepoint import MEMBERS, STAFF, Nights
from tests.connectors.test_sharepoint_faults import HASTY, faults
from tests.connectors.web_server import Reply
from tests.contracts.connector import ConnectorContract


def text(html: str) -> Json:
    return {"@odata.type": "#microsoft.graph.textWebPart", "innerHtml": html}


def links(*titles: str) -> Json:
    """A part of another kind, as quick links are one."""
    said = [{"key": f"items[{n}].title", "value": title} for n, title in enumerate(titles)]
    return {
        "data": {"title": "Quick links", "serverProcessedContent": {"searchablePlainTexts": said}}
    }


@pytest.fixture
def server() -> Iterator[Graph]:
    """A site with a file and three pages, which its members read."""
    with graph() as server:
        server.put("a", b"26 days.", name="Leave policy.md")
        server.drive(PAGES)
        server.share(f"{PAGES}-root", site_group("HR Members"))
        server.page(
            "home",
            "Home",
            text("<h2>Bikes</h2><p>They are in shed 3.</p>"),
            text("<p>The key hangs beside it.</p>"),
            links("Lunch & tea"),
        )
        server.page("pay", "Pay", text("<p>On the 25th.</p>"), text(""))
        server.page("old", "Old", text("<p>Long ago.</p>"), text(""))
        yield server


@pytest.fixture
def nights(server: Graph, tmp_path: Path) -> Nights:
    chosen = Selection(sites=(SITE,), site_pages=True, organisation=STAFF)
    return Nights(server, tmp_path / "memory.sqlite", chosen=chosen)


class Pages(Nights):
    def change(self) -> str:
        self.graph.page("pay", "Pay", text("<p>On the 26th.</p>"), text(""))
        return f"sp:{PAGES}/pay"

    def remove(self) -> str:
        self.graph.delete("old", PAGES)
        return f"sp:{PAGES}/old"


class TestContract(ConnectorContract):
    @pytest.fixture
    def source(self, nights: Nights) -> Pages:
        return Pages(nights.graph, nights.memory, chosen=nights.chosen)


def page(nights: Nights, id: str) -> Document:
    return nights.connector().fetch(Entry(f"sp:{PAGES}/{id}", "", frozenset()))


def test_a_page_is_read_from_top_to_bottom_and_its_side_last(nights: Nights) -> None:
    found = page(nights, "home")
    parsed = parse(found)
    assert parsed.title == "Home"
    assert parsed.text.split("\n\n") == [
        "Bikes",
        "They are in shed 3.",
        "The key hangs beside it.",
        "Lunch & tea",
    ]
    assert found.entry.version == nights.listed()[f"sp:{PAGES}/home"].version


def test_pages_have_the_readers_that_sharepoint_says(nights: Nights) -> None:
    nights.graph.share("pay", person("ann@acme.example"))
    found = {id: entry.readers for id, entry in nights.listed().items() if PAGES in id}
    assert found[f"sp:{PAGES}/home"] == {MEMBERS}
    assert found[f"sp:{PAGES}/pay"] == {MEMBERS, "user:ann@acme.example"}


def test_pages_are_read_only_if_that_is_wanted(nights: Nights) -> None:
    nights.chosen = Selection(sites=(SITE,), organisation=STAFF)
    assert list(nights.listed()) == ["sp:b!1/a"]
    assert nights.graph.count("lists") == 0


@pytest.mark.parametrize("level", ["draft", "checkout"])
def test_what_is_not_published_is_not_read(nights: Nights, level: str) -> None:
    nights.graph.page("pay", "Pay", text("<p>Soon more.</p>"), text(""), level=level)
    with pytest.raises(ConnectorError, match="not published. Publish it"):
        page(nights, "pay")


def test_a_renamed_page_is_the_same_document(nights: Nights) -> None:
    before = nights.listed()
    nights.graph.page("pay", "Salary", text("<p>On the 25th.</p>"), text(""))
    after = nights.listed()
    assert after.keys() == before.keys()
    assert page(nights, "pay").title == "Salary"
    assert page(nights, "pay").url.endswith("Salary.aspx")


def test_a_site_without_a_library_of_pages_is_an_error_that_says_what_to_set(
    nights: Nights,
) -> None:
    del nights.graph.items[PAGES]
    with pytest.raises(ConnectorError, match="site_pages = false"):
        nights.listed()


def test_a_page_that_is_edited_while_it_is_read_is_read_again(nights: Nights) -> None:
    def edit(reply: Reply) -> Reply:
        nights.graph.page("pay", "Pay", text("<p>On the 27th.</p>"), text(""))
        return reply

    nights.graph.faults["page"] = Fault(edit)
    found = page(nights, "pay")
    assert b"27th" in found.body
    assert found.entry.version == nights.listed()[f"sp:{PAGES}/pay"].version


@pytest.mark.parametrize("fault", faults("lists", Graph()))
@pytest.mark.parametrize("kind", ["lists", "library"])
def test_no_fault_about_the_library_of_pages_loses_any(
    nights: Nights, kind: str, fault: str
) -> None:
    known = nights.listed()
    nights.graph.faults[kind] = met = replace(faults(kind, nights.graph)[fault])
    planned, nights.limits = met.times, HASTY if fault == "timeout" else PATIENT
    try:
        now = nights.listed()
    except ConnectorError:
        now = known  # as ingestion has it: nothing of the source is changed
    assert met.times < planned
    assert now == known
