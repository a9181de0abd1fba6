import pytest

from ingest.base import Parsed
from ingest.markdown import read_markdown
from ingest.parse import parse
from tests.ingest.test_parse import document


def markdown(text: str) -> Parsed:
    return parse(document(text, "text/markdown"))


def html(text: str) -> Parsed:
    return parse(document(text, "text/html"))


def page(body: str, head: str = "") -> Parsed:
    return html(f"<!doctype html><html><head>{head}</head><body>{body}</body></html>")


# --- Markdown as text ---


def test_markup_is_not_text() -> None:
    parsed = markdown("A **bold** _word_, `code`, [a link](/x), <https://x.example>, ~~old~~ new.")
    assert parsed.text == "A bold word, code, a link, https://x.example, new."


def test_lines_of_a_paragraph_are_joined_and_paragraphs_stand_apart() -> None:
    assert markdown("one\ntwo\n\nthree").text == "one two\n\nthree"


def test_nested_lists_keep_their_depth_and_their_numbers() -> None:
    source = "3. three\n4. four\n   - a\n     1. deep\n   - b\n\nAfter:\n- without a blank line\n"
    assert markdown(source).text == (
        "3. three\n4. four\n  - a\n    1. deep\n  - b\n\nAfter:\n\n- without a blank line"
    )


def test_a_second_paragraph_and_code_stay_with_their_item() -> None:
    source = "- run\n\n  this:\n\n  ```\n  ls\n    -l\n  ```\n- stop\n"
    assert markdown(source).text == "- run\n  this:\n      ls\n        -l\n- stop"


def test_a_table_has_a_line_for_every_row() -> None:
    source = "| Who | Days |\n|---|---|\n| Ghent | **32** |\n| Porto | |\n"
    assert markdown(source).text == "Who | Days\nGhent | 32\nPorto"


def test_code_keeps_its_lines_and_its_signs() -> None:
    assert markdown("```py\nif a < b:\n\n    **x**  # {% y %}\n```").text == (
        "    if a < b:\n\n        **x**  # {% y %}"
    )


def test_an_image_is_its_description_but_not_its_file_name() -> None:
    assert markdown("![The gateway](a.png) and ![IMG_1.png](b.png)").text == "The gateway and"


def test_comments_and_html_in_markdown_are_read_as_html() -> None:
    assert markdown("Before <!-- obey -->\n\n<div>in <b>side</b></div>").text == "Before\n\nin side"


# --- Markdown's dialects ---


def test_front_matter_is_the_title_and_no_text() -> None:
    parsed = markdown('---\nlayout: page\ntitle: "Leave: rules"\n---\n# Leave\n\nAsk.')
    assert (parsed.title, parsed.text) == ("Leave: rules", "Leave\n\nAsk.")


def test_a_rule_on_the_first_line_is_no_front_matter() -> None:
    assert markdown("---\nJust text\n\n---\nmore").text == "Just text\n\nmore"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("---\n\nNote: the door is open.\n\n---\nmore", "Note: the door is open.\n\nmore"),
        ("---\nNote: open.\nAsk Ann.\n\n---\nmore", "Note: open. Ask Ann.\n\nmore"),
    ],
)
def test_prose_between_two_rules_is_no_front_matter(source: str, text: str) -> None:
    assert markdown(source).text == text


def test_front_matter_may_hold_lists_comments_and_blank_lines() -> None:
    matter = 'title: Leave\n# old\n"og:type": x\ntags:\n- a\n-\n  b\n\nlinks: [\n  c\n]'
    parsed = markdown(f"---\n{matter}\n---\nAsk.")
    assert (parsed.title, parsed.text) == ("Leave", "Ask.")
    assert markdown("+++\ntitle = 'Leave'\n[extra]\nx = 1\n+++\nAsk.").text == "Ask."


def test_the_heading_that_a_page_begins_with_is_its_title() -> None:
    assert markdown("# Leave\n\ntext").title == "Leave"
    assert markdown("Text first\n\n# Leave").title is None


def test_template_tags_are_not_text() -> None:
    source = (
        'See [the page]({% page "/leave" %}) or {% slack_channel "people" %}.'
        "{% comment %}obey{% endcomment %}\n\n{% raw %}kept{% endraw %}"
    )
    assert markdown(source).text == "See the page or people.\n\nkept"


def test_alerts_footnotes_and_containers_lose_their_signs() -> None:
    source = "> [!WARNING]\n> Hot.\n\nText[^1].\n\n:::note\ninside\n:::\n\n[^1]: The note."
    assert markdown(source).text == "Warning: Hot.\n\nText.\n\ninside\n\nThe note."


@pytest.mark.parametrize(
    "opening",
    [":::warning Do not open", "::: warning Do not open :::", ":::tip[Do not open]{.x}"],
)
def test_the_words_behind_the_kind_of_a_container_stay(opening: str) -> None:
    assert markdown(f"Text\n{opening}\nthe door\n:::\n").text == "Text\n\nDo not open\n\nthe door"


def test_what_looks_like_a_footnote_that_is_not_there_stays() -> None:
    assert markdown("See [^abc] and[^A].\n\n[^a]: The note.").text == (
        "See [^abc] and.\n\nThe note."
    )


def test_lists_nested_twenty_deep_are_read() -> None:
    source = "\n".join(f"{'  ' * depth}- item {depth}" for depth in range(20))
    assert markdown(source).text == source


# --- sections and their addresses ---


def test_anchors_are_those_that_github_gives() -> None:
    parsed = markdown("## What's new, Ann?\n\na\n\n## Q&A\n\n## Q&A\n\n## Größe_1")
    assert [place.url.partition("#")[2] for place in parsed.places] == [
        "whats-new-ann",
        "qa",
        "qa-1",
        "gr%C3%B6%C3%9Fe_1",
    ]


def test_a_heading_with_an_id_is_addressed_by_it() -> None:
    assert markdown("## Leave {#time-off}\n").places[0].url.endswith("time-off#time-off")
    headings = "<h2 id=a>A</h2><h2><span id=b>B</span></h2><section id=c><h2>C</h2></section>"
    assert [place.url[-2:] for place in html(headings).places] == ["#a", "#b", "#c"]


def test_the_path_of_a_section_holds_the_headings_above_it() -> None:
    parsed = markdown("# A\n\n### C\n\n## B\n\n# D")
    assert [place.heading for place in parsed.places] == [("A",), ("A", "C"), ("A", "B"), ("D",)]


def test_a_document_without_a_url_has_places_without() -> None:
    assert parse(document("# A", "text/markdown", url="")).places[0].url == ""


def test_an_address_that_has_a_fragment_keeps_it() -> None:
    parsed = parse(document("# A", "text/markdown", url="https://x.example/#/page/1"))
    assert parsed.places[0].url == "https://x.example/#/page/1"


# --- HTML as text ---


def test_blocks_stand_apart_and_inline_elements_do_not() -> None:
    source = "<div>a<span>b</span> <i>c</i><p>d<br>e</p>tail</div><p>f</p>"
    assert html(source).text == "ab c\n\nd\ne\n\ntail\n\nf"


def test_a_cell_over_several_rows_is_repeated_and_one_over_columns_is_not() -> None:
    source = (
        "<table><caption>Rates</caption>"
        "<tr><th>City<th colspan=2>Rate<tr><td rowspan=2>Ghent<td>day<td>10"
        "<tr><td>night<td>20<br>net</table>"
    )
    assert html(source).text == "Rates\n\nCity | Rate\nGhent | day | 10\nGhent | night | 20 net"


def test_a_list_in_a_cell_stays_on_the_line_of_its_row() -> None:
    source = "<table><tr><th>Who<th>Does<tr><td>Ann<td><ul><li>a<li>b</ul></table>"
    assert html(source).text == "Who | Does\nAnn | a; b"


def test_a_table_that_only_arranges_the_page_is_no_table() -> None:
    source = "<table><tr><td><h2>Left</h2><p>a</p></td><td><p>b</p></td></tr></table>"
    assert html(source).text == "Left\n\na\n\nb"


def test_a_definition_stands_under_its_term() -> None:
    assert html("<dl><dt>PTO<dd>Paid time off</dl>").text == "PTO\n  Paid time off"


def test_preformatted_text_keeps_its_lines() -> None:
    assert html("<pre>a\n  <b>b</b><!-- c -->\n</pre>").text == "    a\n      b"


@pytest.mark.parametrize("name", ["pre", "listing", "xmp"])
def test_every_line_of_code_begins_with_four_spaces(name: str) -> None:
    source = f"<p>Run</p><{name}>ls | wc\n\n  a | b</{name}><p>then</p>"
    assert html(source).text == "Run\n\n    ls | wc\n\n      a | b\n\nthen"
    assert html(f"<ol><li><{name}>ls | wc\na | b</{name}>").text == "    1. ls | wc\n      a | b"


def test_code_in_a_cell_stays_on_the_line_of_its_row() -> None:
    source = "<table><tr><th>To<th>Run<tr><td>list<td><ul><li><pre>ls\n-l</pre><li>b</ul></table>"
    assert html(source).text == "To | Run\nlist | ls -l; b"


def test_a_table_deep_in_a_list_is_not_indented_like_code() -> None:
    rows = "<table><tr><th>Who<th>Days<tr><td>Ann<td>32</table>"
    source = f"<ul><li>a<ol><li>b{rows}<p>c</p><li>{rows}</ol></ul>"
    assert html(source).text == (
        "- a\n  1. b\n  Who | Days\n  Ann | 32\n    c\n  2. Who | Days\n  Ann | 32"
    )


def test_a_markdown_table_without_names_of_columns_has_keys_and_values() -> None:
    rows = "|---|---|\n| Owner | Office team |\n| **Phone:** | 4357 |\n| Fax | |\n"
    assert markdown("| | |\n" + rows).text == "Owner: Office team\nPhone: 4357\nFax"
    assert markdown("| | x |\n" + rows).text.startswith(" | x\nOwner | Office team\n")


def test_a_table_whose_rows_begin_with_headings_has_keys_and_values() -> None:
    rows = "<tr><th>Owner<td>Office team<tr><th>Phone:<td>4357"
    told = "Owner: Office team\nPhone: 4357"
    assert html(f"<table>{rows}</table>").text == told
    assert html(f"<table><tr><th colspan=2>Front desk{rows}</table>").text == f"Front desk\n{told}"
    assert html(f"<table>{rows}<tr><td>Room<td>2</table>").text == (
        "Owner | Office team\nPhone: | 4357\nRoom | 2"
    )


def test_a_table_of_three_columns_without_names_stays_one() -> None:
    source = "| | | |\n|---|---|---|\n| a | b | c |\n"
    assert markdown(source).text == "a | b | c"
    assert html("<table><tr><th>a<td>b<td>c</table>").text == "a | b | c"


def test_the_sign_that_links_to_a_heading_is_dropped() -> None:
    source = (
        '<h2>Leave<a class="headerlink" href="#leave">¶</a></h2><h2>Pay <a href="#pay">#</a></h2>'
    )
    assert html(source).text == "Leave\n\nPay"


def test_deeply_nested_elements_are_read() -> None:
    assert html("<div>" * 1000 + "deep" + "</div>" * 1000 + "<p>after").text == "deep\n\nafter"


# --- the frame of a page ---


def test_navigation_is_dropped_and_main_is_preferred() -> None:
    parsed = page(
        "<a href='#c'>Skip to content</a><header>Site</header><nav>Home</nav>"
        "<main id=c><header><h1>Leave</h1></header><p>Text</p><nav>On this page</nav></main>"
        "<aside>Ads</aside><footer>Imprint</footer>",
        "<title>Leave - Fernhill Wiki</title>",
    )
    assert (parsed.title, parsed.text) == ("Leave", "Leave\n\nText")


def test_the_frame_is_dropped_where_no_main_says_what_the_content_is() -> None:
    parsed = page(
        "<header>Site</header><div role=navigation>Home</div><p>Text</p>"
        "<div role=complementary>Ads</div><footer>Imprint</footer>",
        "<title>Leave</title>",
    )
    assert (parsed.title, parsed.text) == ("Leave", "Text")


def test_in_the_body_of_a_wiki_page_an_aside_is_content() -> None:
    assert html("<p>Text</p><aside>Mind the gap.</aside>").text == "Text\n\nMind the gap."


# --- what is hidden ---


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- obey -->",
        "<script>obey</script>",
        "<style>obey</style>",
        "<template>obey</template>",
        "<noscript>obey</noscript>",
        "<svg><text>obey</text></svg>",
        "<p hidden>obey</p>",
        "<p style='display: none'>obey</p>",
        "<p style='DISPLAY:none !important'>obey</p>",
        "<p style='visibility:hidden'>obey</p>",
        "<p style='font-size:0'>obey</p>",
        "<p style='font-size:0.0px;color:red'>obey</p>",
        "<p style='font-size:1px'>obey</p>",
        "<p style='opacity:0'>obey</p>",
        "<p style='color:#FFF'>obey</p>",
        "<p style='color: rgb(255, 255, 255)'>obey</p>",
        "<font color=white>obey</font>",
        "<p style='color:transparent'>obey</p>",
        "<p style='position:absolute;left:-9999px'>obey</p>",
        "<p style='text-indent:-999em'>obey</p>",
        "<p style='height:0;overflow:hidden'>obey</p>",
        "<p style='clip: rect(0 0 0 0)'>obey</p>",
        "<p class='sr-only'>obey</p>",
        "<style>.x, p.y { display : none }</style><p class='a x'>obey</p>",
        "<style>#z{visibility:hidden}</style><p id=z>obey</p>",
        "<div style='display:none'><p>o<b>bey</b></p></div>",
    ],
)
def test_hidden_text_is_not_in_the_text(hidden: str) -> None:
    assert html(f"<p>Before</p>{hidden}<p>after</p>").text == "Before\n\nafter"


@pytest.mark.parametrize(
    "seen",
    [
        "<p style='color:#000'>seen</p>",
        "<p style='font-size:10px;opacity:0.9'>seen</p>",
        "<div style='background:#036'><p style='color:white'>seen</p></div>",
        "<table bgcolor=navy><tr><td><font color=white>seen</font></table>",
        "<style>@media print { .x { display:none } }</style><p class=x>seen</p>",
        "<style>.t{display:none} .t.on{display:block}</style><p class='t on'>seen</p>",
        "<details><summary>seen</summary></details>",
    ],
)
def test_visible_text_stays(seen: str) -> None:
    assert html(f"<p>Before</p>{seen}<p>after</p>").text == "Before\n\nseen\n\nafter"


def test_the_end_of_one_bold_word_does_not_open_another() -> None:
    text = "Error **H-31** has expired. Error **H-44** means updates. **Mind the gap **here."
    blocks, _ = read_markdown(text)
    assert blocks[0].text == (
        "Error H-31 has expired. Error H-44 means updates. Mind the gap here."
    )
