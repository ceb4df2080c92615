"""Checks of a page's accessibility, and of its layout on a small screen."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def serious(page: Page) -> list[tuple[str, list[str]]]:
    """Return axe's findings that are serious or worse: the rule, and where."""
    return [
        (found["id"], [node["html"][:200] for node in found["nodes"]])
        for found in Axe().run(page, options={"preload": False}).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]


def scrolls_sideways(page: Page) -> bool:
    """Return whether the page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))
