"""The static site in a real browser, from disk: search, keyboard navigation, accessibility."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parents[1] / "control" / "site"))

from made_site import made_site
from page_checks import scrolls_sideways, serious

from control.site import render

LOCAL = ("file:", "data:")
TABLE = "tables/gold.top_beers_by_rating.html"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "site"
    render.write(made_site(), folder)
    return folder


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test if its scripts fail or it requests anything but files."""
    problems: list[str] = []
    page = browser.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: problems.append(asked.url) if not asked.url.startswith(LOCAL) else None)
    yield page
    page.close()
    assert problems == []


def test_a_page_older_than_the_promise_calls_nothing_fresh(page: Page, folder: Path) -> None:
    made = made_site().made_at
    for days, chip in ((0, "fresh"), (30, "not known")):
        page.clock.set_fixed_time(made + timedelta(days=days))
        page.goto(f"file://{folder / TABLE}")
        assert page.locator("dd .chip").first.inner_text() == chip
        assert ("before this page was made" in page.inner_text("dl")) == (days > 0)
        page.goto(f"file://{folder / 'index.html'}")
        assert ("fresh" in page.locator(".tables .chip").all_inner_texts()) == (days == 0)


@pytest.mark.parametrize(
    "path", ["index.html", TABLE, "tables/bronze.review.html", "tables/silver.reviews.html"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(page: Page, folder: Path, path: str, scheme: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"file://{folder / path}")
    assert serious(page) == []
    assert not scrolls_sideways(page)


def test_search_finds_a_column_and_counts_the_tables(page: Page, folder: Path) -> None:
    page.goto(f"file://{folder / 'index.html'}")
    page.keyboard.press("/")
    page.keyboard.type("avg_rating beer_name")
    assert page.locator("[data-find]:visible .name").all_inner_texts() == ["top_beers_by_rating"]
    assert page.inner_text("#found") == "1 of 14 tables"
    page.keyboard.press("Escape")
    assert page.locator("[data-find]:visible").count() == 14


def test_choosing_a_column_by_keyboard_highlights_its_whole_lineage(page: Page, folder: Path) -> None:
    page.goto(f"file://{folder / TABLE}")
    page.locator('[data-column="gold.top_beers_by_rating.avg_rating"]').focus()
    page.keyboard.press("Enter")
    lit = page.locator(".graph button.on").evaluate_all("all => all.map(one => one.dataset.column)")
    assert sorted(lit) == [
        "bronze.review.review_overall", "gold.top_beers_by_rating.avg_rating", "raw.review.review_overall",
        "silver.review_flat.review_overall", "silver.reviews_state.review_overall",
        "source.public.review.review_overall",
    ]  # fmt: skip
    assert page.locator(".graph path.on").count() == 5
    assert page.evaluate("window.broken") is None


def test_a_link_to_a_column_marks_it(page: Page, folder: Path) -> None:
    page.goto(f"file://{folder / TABLE}#avg_rating")
    assert page.locator('.graph button[aria-pressed="true"]').inner_text() == "avg_rating"


def test_a_page_works_without_scripts(browser: Browser, folder: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"file://{folder / TABLE}")
    assert page.locator("tr#avg_rating").is_visible()
    page.close()
