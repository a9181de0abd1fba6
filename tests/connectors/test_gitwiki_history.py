"""Which page is which, decided without git."""

from connectors.gitwiki_history import Change, Page, Step, kept, pages_after, steps

ONE, TWO, THREE = ("1" * 40, "2" * 40, "3" * 40)


def keys(*history: Step) -> dict[str, str]:
    return {path: page.key for path, page in pages_after(history).items()}


def step(commit: str, *changes: Change) -> Step:
    return Step(commit, int(commit[0]), changes)


def test_commits_are_read_as_git_writes_them() -> None:
    records = [
        *(b"\x01" + b"1" * 40 + b" 100", b"\n:000000 100644 0 a A", b"a.md"),
        *(b"\x01" + b"2" * 40 + b" 200",),
        *(b"\x01" + b"3" * 40 + b" 300", b"\n:100644 100644 a b R096", b"a.md", b"b c.md"),
        *(b":100644 000000 c 0 D", b"caf\xe9.md", b":100644 120000 d e T", b"link"),
    ]
    assert list(steps(records)) == [
        Step(ONE, 100, (Change("a.md"),)),
        Step(TWO, 200, ()),
        Step(
            THREE,
            300,
            (Change("b c.md", False, "a.md"), Change("caf\udce9.md", True), Change("link")),
        ),
    ]


def test_a_key_is_the_first_path_and_the_time_that_of_the_last_change() -> None:
    history = [
        step(ONE, Change("a"), Change("b")),
        step(TWO, Change("c", was="a")),
        step(THREE, Change("d", was="c")),
    ]
    assert pages_after(history) == {"b": Page("b", 1), "d": Page("a", 3)}


def test_a_new_page_where_another_one_began_has_another_key() -> None:
    history = [
        step(ONE, Change("a")),
        step(TWO, Change("b", was="a")),
        step(THREE, Change("a")),
    ]
    assert keys(*history) == {"b": "a", "a": "a@333333333333"}


def test_a_page_that_comes_back_has_the_key_that_it_had() -> None:
    history = [step(ONE, Change("a")), step(TWO, Change("a", gone=True)), step(THREE, Change("a"))]
    assert keys(*history) == {"a": "a"}


def test_pages_that_change_places_in_one_commit_keep_their_keys() -> None:
    history = [
        step(ONE, Change("a"), Change("b")),
        step(TWO, Change("b", was="a"), Change("a", was="b")),
    ]
    assert keys(*history) == {"b": "a", "a": "b"}


def test_a_key_given_in_an_older_history_stays_with_its_page() -> None:
    then = {"b": Page("b", 1)}
    now = {"c": Page("b", 2), "a": Page("a", 2), "d": Page("d", 2)}
    assert kept(now, then, {"b": "a"}, THREE) == {
        "c": Page("a", 2),
        "a": Page("a@333333333333", 2),
        "d": Page("d", 2),
    }
