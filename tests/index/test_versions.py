"""Which document is the older version: titles from a real company's shared folder, and a series."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from index.base import DocumentInfo
from index.versions import older, one_subject, subject
from tests.contracts.store import document


def titled(title: str, updated: str) -> DocumentInfo:
    made = document(f"drive:{title} {updated}", title=title)
    return replace(made, updated_at=datetime.fromisoformat(updated).replace(tzinfo=UTC))


def versions(
    first: DocumentInfo, second: DocumentInfo, *, alike: float
) -> tuple[DocumentInfo, DocumentInfo] | None:
    if not one_subject(subject(first.title), subject(second.title)):
        return None
    return older(first, second, alike=lambda: alike)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("Travel and expenses (2024)", "2026-11-02"), ("Travel and expenses", "2026-11-01")),
        (("Work From Home Policy", "2020-03-01"), ("April Work From Home Update", "2022-04-29")),
        (("Work From Home Policy", "2020-03-01"), ("Wfh Policy Update May 2023", "2023-05-01")),
        (("Price list v2", "2025-01-01"), ("Price list v3", "2026-01-01")),
        (("Archived: Price list", "2025-01-01"), ("Price list", "2026-01-01")),
        # somebody tidied the archive later
        (("Travel (superseded)", "2026-05-01"), ("Travel", "2025-01-01")),
        (("Price list v2", "2026-05-01"), ("Price list v10", "2025-01-01")),
        (("Travel, draft", "2026-05-01"), ("Travel", "2026-05-01")),
    ],
)
def test_a_title_that_says_version_makes_one_document_older(
    old: tuple[str, str], new: tuple[str, str]
) -> None:
    first, second = titled(*old), titled(*new)
    assert versions(first, second, alike=0.1) == (first, second)
    assert versions(second, first, alike=0.1) == (first, second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Works council 2026-06-18", "Works council 2026-09-17"),  # a series of minutes
        ("Processes", "Processes"),  # pages of two teams
        ("Travel and expenses", "Travel insurance"),
        ("2024", "2025"),
        ("IT", "Insurance for travel"),
    ],
)
def test_other_documents_are_no_versions(one: str, other: str) -> None:
    first, second = titled(one, "2025-01-01"), titled(other, "2026-01-01")
    assert versions(first, second, alike=0.1) is None


def test_texts_of_one_title_that_are_much_alike_are_versions_of_different_age() -> None:
    first, second = titled("Backups", "2025-01-01"), titled("Backups", "2026-01-01")
    assert versions(first, second, alike=0.6) == (first, second)
    assert versions(first, titled("Backups", "2025-01-01T20:00:00"), alike=0.6) is None


def test_lists_of_two_months_are_a_series_however_alike_and_of_two_years_versions() -> None:
    first, second, third = (
        titled(f"open invoices {month}", "2026-12-01")
        for month in ("2025 09", "2025-10", "2026 10")  # a file's name loses its hyphens
    )
    assert versions(first, second, alike=0.9) is None
    assert versions(second, third, alike=0.9) == (second, third)
    assert versions(first, third, alike=0.9) == (first, third)


def test_a_title_with_an_impossible_date_counts_by_its_year() -> None:
    first, second = titled("Plan 2024-13", "2026-01-01"), titled("Plan", "2026-01-01")
    assert versions(first, second, alike=0.1) == (first, second)
