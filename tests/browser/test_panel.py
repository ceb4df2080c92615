"""The panel in a real browser: it shows what commands answer, acts through them, and escapes markup."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import pytest
from cheroot import wsgi
from page_checks import scrolls_sideways, serious
from playwright.sync_api import Browser, Page, expect

from control.api.app import App
from control.api.work import Answer, Problem

TOKEN = "0123456789abcdef" * 2
STRANGE = "raw/beer/<img src=x onerror=alert(1)>.csv.gz"
TABLE = {
    "table": "beer", "last_batch": 2, "files": {"published": 5, "failed": 1}, "records": 66195, "rows": 66188,
    "quarantined": 6, "control": 1, "lag_seconds": 7200, "warnings": ["1 raw file(s) failed"],
    "age_seconds": 100, "broken": ["data is late"], "waived_records": 3, "stray": [],
}  # fmt: skip
UNUSED = TABLE | {
    "table": "wine", "last_batch": None, "age_seconds": None, "files": {}, "broken": [], "warnings": [],
    "waived_records": 0,
}  # fmt: skip
FOLDER = UNUSED | {
    "table": "cider", "stray": [{"code": "raw.unknown_table"}],
    "warnings": ["2 object(s) belong to no table"],
}  # fmt: skip
FAILED = {"file_id": "f" * 64, "table": "beer", "key": STRANGE, "error": "refused as a whole: gzip_corrupt"}
WAIVED = FAILED | {"key": "raw/beer/waived.csv.gz", "waived": True}
HELD = {"table": "review", "state_table": "reviews_state", "key": 9, "batch": 3, "place": "a" * 64 + ":2"}
BROKEN = {"file_id": "f" * 64, "table": "beer", "key": STRANGE, "reason": "json"}
REFUSED = [
    BROKEN | {"line": 5, "raw": "<b>5</b>"},
    BROKEN | {"line": 9, "raw": "9"},
    {"file_id": "e" * 64, "table": "profile", "key": "b.csv", "line": 0, "reason": "header", "masked": True},
]
SHOWN = {
    "status": [TABLE, UNUSED, FOLDER], "files list": [FAILED, WAIVED], "quarantine held": [HELD],
    "quarantine list": REFUSED,
}  # fmt: skip


@dataclass
class Desk:
    """Stands for the commands: records those that act, and gives the answers it holds."""

    answers: dict[str, Any] = field(default_factory=lambda: dict(SHOWN))
    acts: list[list[str]] = field(default_factory=list)

    def __call__(self, argv: list[str]) -> Answer | Problem:
        words = " ".join(argv[: argv.index("--json")])
        if words not in SHOWN:
            self.acts.append(argv)
        found = self.answers.get(words, [])
        return found if isinstance(found, Problem) else Answer(0, io.BytesIO(json.dumps(found).encode()))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    server = wsgi.Server(("127.0.0.1", 0), App(TOKEN, desk), numthreads=4)
    server.prepare()
    Thread(target=server.serve, daemon=True).start()
    yield "http://{}:{}/".format(*server.bind_addr)
    server.stop()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test if its scripts fail or it makes a request to another host."""
    problems: list[str] = []
    page = browser.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    ours = (address, "data:")
    page.on("request", lambda asked: None if asked.url.startswith(ours) else problems.append(asked.url))
    yield page
    page.close()
    assert problems == []


def entered(page: Page, address: str) -> Page:
    """Open the page by the link of `dm serve`, and wait until all of it is there."""
    page.goto(f"{address}#token={TOKEN}")
    for section in ("tables", "failed", "held", "refused"):
        expect(page.locator(f"#{section} > *").first).to_be_visible()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(page: Page, address: str, scheme: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    entered(page, address)
    assert serious(page) == []
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Redrive").click()
    assert serious(page) == []


def test_it_shows_what_the_commands_answer(page: Page, address: str) -> None:
    entered(page, address)
    beer, wine = page.locator("#tables tbody tr").all_inner_texts()
    assert beer.split("\t") == [
        "beer", "2", "100 s ago", "5 published, 1 failed", "66,195", "66,188", "6", "1", "2 h", "broken"
    ]  # fmt: skip
    assert wine.split("\t")[1:4] == ["-", "never", "-"]
    assert page.locator(".warnings li").all_inner_texts() == [
        "beer: data is late", "beer: 1 raw file(s) failed", "beer: silver leaves out 3 of its records",
        "cider: 2 object(s) belong to no table",
    ]  # fmt: skip
    assert STRANGE in page.inner_text("#failed")
    assert "waived.csv.gz" not in page.inner_text("#failed")
    grouped = page.locator("#refused tbody tr").all_inner_texts()
    assert len(grouped) == 2
    assert "json \u00d7 2" in grouped[0]
    assert "<b>5</b>" in grouped[0]
    assert "(masked)" in grouped[1]


@pytest.mark.parametrize("width", [1280, 390])
def test_long_keys_stay_readable_and_do_not_break_the_layout(
    page: Page, address: str, desk: Desk, width: int
) -> None:
    long = "raw/beer/" + "x" * 900
    desk.answers |= {
        "status": [TABLE | {"warnings": [f"{long} is no key"]}],
        "files list": [FAILED | {"key": long, "error": "e" * 600}],
        "quarantine list": [BROKEN | {"key": long, "line": 1, "raw": "r" * 900}],
    }
    page.set_viewport_size({"width": width, "height": 900})
    entered(page, address)
    assert not scrolls_sideways(page)
    for section in ("failed", "refused"):
        box = page.locator(f"#{section} td code").first.bounding_box()
        assert box is not None
        assert box["width"] >= 120
    page.get_by_role("button", name="Redrive").click()
    expect(page.locator("#yes")).to_be_in_viewport(ratio=1)


def test_characters_that_reverse_text_are_escaped(page: Page, address: str, desk: Desk) -> None:
    desk.answers["files list"] = [FAILED | {"key": "raw/beer/\u202egpj.csv.gz", "error": "refused \u2066"}]
    entered(page, address).get_by_role("button", name="Redrive").click()
    for place in ("#failed code", "#ask-about"):
        assert "raw/beer/\\u202egpj.csv.gz" in page.inner_text(place)
    assert "\u2066" not in page.inner_text("#failed")


def test_a_lake_without_tables_says_so(page: Page, address: str, desk: Desk) -> None:
    desk.answers["status"] = []
    assert "Nothing was ingested yet." in entered(page, address).inner_text("#tables")


def test_the_token_is_removed_from_the_address_and_kept_for_the_tab(page: Page, address: str) -> None:
    entered(page, address)
    assert page.url == address
    page.reload()
    expect(page.locator("#tables table")).to_be_visible()


def test_without_a_token_the_page_asks_for_it(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("#door")).to_be_visible()
    expect(page.locator("#sections")).to_be_hidden()
    assert serious(page) == []
    page.get_by_label("Token of this server").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#door")).to_be_visible()
    page.get_by_label("Token of this server").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#tables table")).to_be_visible()
    expect(page.locator("#door")).to_be_hidden()


def test_nothing_is_done_without_a_reason_or_after_a_cancel(page: Page, address: str, desk: Desk) -> None:
    entered(page, address)
    page.get_by_role("button", name="Redrive").click()
    page.locator("#yes").click()
    expect(page.locator("#ask")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#ask")).to_be_hidden()
    page.get_by_role("button", name="Redrive").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#ask")).to_be_hidden()
    assert desk.acts == []


BUTTONS = (("failed", "Redrive"), ("failed", "Waive"), ("refused", "Replay"), ("held", "Waive"))


def test_each_button_runs_its_command(page: Page, address: str, desk: Desk) -> None:
    entered(page, address)
    for section, name in BUTTONS:
        page.locator(f"#{section}").get_by_role("button", name=name).first.click()
        page.get_by_label("Reason").fill("--ticket 7")
        if section == "held":
            page.locator("#until").fill("2027-06-30")
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("Done." if name == "Waive" else "does it.")
    assert desk.acts == [
        ["files", "redrive", "--json", "--reason=--ticket 7", "--", FAILED["file_id"]],
        ["quarantine", "waive", "--json", "--reason=--ticket 7", "--", FAILED["file_id"]],
        ["quarantine", "replay", "--json", "--reason=--ticket 7", "--", FAILED["file_id"]],
        ["quarantine", "waive", "--json", "--reason=--ticket 7", "--until=2027-06-30", "--", HELD["place"]],
    ]


def test_ingesting_shows_the_result(page: Page, address: str, desk: Desk) -> None:
    desk.answers["ingest run"] = {
        "registered": 2, "left": 0, "batches": [{"state": "published", "rows": 1500}, {"state": "failed"}],
        "findings": [{"severity": "error", "where": "beer", "message": "batch failed"}],
    }  # fmt: skip
    entered(page, address).get_by_role("button", name="Ingest now").click()
    expect(page.locator("#said")).to_contain_text("2 new file(s), 1 batch(es) with 1,500 rows published.")
    expect(page.locator("#said")).to_contain_text("error: beer: batch failed")
    expect(page.locator("#said")).to_have_class("late")
    assert desk.acts == [["ingest", "run", "--json", "--until-idle", "--"]]


def test_a_failure_is_shown_in_its_section(page: Page, address: str, desk: Desk) -> None:
    desk.answers["quarantine held"] = Problem(503, "Athena cannot be reached", "dm local up", retryable=True)
    desk.answers["ingest run"] = Problem(409, "somebody else is at work")
    entered(page, address)
    expect(page.locator("#held")).to_contain_text("Athena cannot be reached")
    expect(page.locator("#tables table")).to_be_visible()
    page.get_by_role("button", name="Ingest now").click()
    expect(page.locator("#said")).to_contain_text("somebody else is at work")


def test_a_server_that_does_not_answer_is_reported(page: Page, address: str) -> None:
    entered(page, address)
    page.route("**/ingest/run*", lambda route: route.abort())
    page.get_by_role("button", name="Ingest now").click()
    expect(page.locator("#said")).to_contain_text("does not answer")


def test_a_file_refused_as_a_whole_shows_why(page: Page, address: str, desk: Desk) -> None:
    desk.answers["quarantine list"] = [
        BROKEN | {"line": 0, "raw": "", "detail": "the gzip stream is damaged"}
    ]
    assert "the gzip stream is damaged" in entered(page, address).inner_text("#refused")


def test_a_refresh_keeps_the_focus_and_the_place(page: Page, address: str, desk: Desk) -> None:
    page.clock.install()
    page.set_viewport_size({"width": 390, "height": 900})
    entered(page, address)
    waive = page.locator("#failed").get_by_role("button", name="Waive")
    waive.focus()
    left = page.evaluate("document.querySelector('#failed .wide').scrollLeft")
    assert left > 0
    desk.answers["files list"] = [FAILED | {"error": "refused as a whole: gzip_truncated"}]
    page.clock.run_for(10_000)
    expect(page.locator("#failed")).to_contain_text("gzip_truncated")
    expect(waive).to_be_focused()
    assert page.evaluate("document.querySelector('#failed .wide').scrollLeft") == left


def test_the_focus_returns_to_the_list_after_a_command(page: Page, address: str, desk: Desk) -> None:
    desk.answers["files list"] = [FAILED, FAILED | {"file_id": "d" * 64, "key": "raw/beer/second.csv"}]
    entered(page, address)
    page.locator("#failed").get_by_role("button", name="Waive").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("ticket 7")
    desk.answers["files list"] = [FAILED | {"file_id": "d" * 64, "key": "raw/beer/second.csv"}]
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Done.")
    expect(page.locator("#failed tbody tr")).to_have_count(1)
    expect(page.locator("#failed button:focus")).to_have_count(1)
    page.get_by_role("button", name="Ingest now").press("Enter")
    expect(page.get_by_role("button", name="Ingest now")).to_be_focused()


def test_of_many_failed_files_the_page_says_that_there_are_more(page: Page, address: str, desk: Desk) -> None:
    many = [FAILED | {"file_id": f"{n:064x}", "key": f"raw/beer/{n:04}.csv.gz"} for n in range(1001)]
    desk.answers["files list"] = many
    entered(page, address)
    expect(page.locator("#failed tbody tr")).to_have_count(1000)
    expect(page.locator("#failed")).to_contain_text("dm files list --state failed")
    last = page.locator("#failed").get_by_role("button", name="Redrive").last
    last.click()
    page.get_by_label("Reason").fill("ticket 7")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("does it.")
    expect(page.locator("#said")).to_be_in_viewport(ratio=1)


def test_a_wrong_token_is_named_as_such(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("#door")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()
    page.get_by_label("Token of this server").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("does not accept this token")


def test_the_time_is_that_of_the_last_answer(page: Page, address: str, desk: Desk) -> None:
    page.clock.install(time="2026-11-30T12:00:00")
    page.goto(f"{address}#token={TOKEN}")
    expect(page.locator("#seen")).to_contain_text("As of 12:00")
    page.route("**/*?*", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    page.clock.run_for(600_000)
    expect(page.locator("#tables")).to_contain_text("answered 502")
    expect(page.locator("#seen")).to_contain_text("As of 12:00")


def test_until_the_first_answer_the_page_says_that_it_loads(page: Page, address: str) -> None:
    page.route("**/*?*", lambda _: None)
    page.goto(f"{address}#token={TOKEN}")
    expect(page.locator("#seen")).to_have_text("Loading …")


def test_without_any_answer_the_page_does_not_say_that_it_loads(page: Page, address: str) -> None:
    page.route("**/*?*", lambda route: route.abort())
    page.goto(f"{address}#token={TOKEN}")
    expect(page.locator("#tables")).to_contain_text("The server does not answer.")
    expect(page.locator("#seen")).to_have_text("")


def test_while_a_command_runs_a_refresh_brings_no_button_to_press(
    page: Page, address: str, desk: Desk
) -> None:
    page.clock.install()
    entered(page, address)
    page.route("**/ingest/run*", lambda _: None)
    page.get_by_role("button", name="Ingest now").click()
    desk.answers["files list"] = [FAILED | {"error": "refused again"}]
    page.clock.run_for(10_000)
    expect(page.locator("#failed")).to_contain_text("refused again")
    expect(page.get_by_role("button", name="Redrive")).to_be_disabled()


def test_what_is_wrong_comes_first(page: Page, address: str, desk: Desk) -> None:
    fine = TABLE | {"table": "ale", "broken": [], "warnings": ["1 raw file(s) failed"]}
    desk.answers["status"] = [fine, TABLE]
    desk.answers["ingest run"] = {
        "registered": 0, "left": 0, "batches": [],
        "findings": [
            *({"severity": "warning", "where": "w", "message": str(n)} for n in range(10)),
            {"severity": "error", "where": "beer", "message": "batch failed"},
        ],
    }  # fmt: skip
    entered(page, address)
    assert page.locator("#tables tbody strong").all_inner_texts() == ["beer", "ale"]
    assert page.locator(".warnings li").first.inner_text() == "beer: data is late"
    page.get_by_role("button", name="Ingest now").click()
    expect(page.locator("#said")).to_contain_text("error: beer: batch failed\nwarning: w: 0")
    expect(page.locator("#said")).to_contain_text("… and 1 more")
