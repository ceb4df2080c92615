"""The static site shows what contracts, lineage, build and store say, and needs no network."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_site import HOSTILE, NOW, ROOT, made_graph, made_lives, made_results, made_site

from control.cli.docs import command
from control.contracts.lint import lint
from control.errors import UsageError
from control.site import collect, render
from control.site.model import TablePage


class Reader(HTMLParser):
    """Collects the text, links and ids of a page, and the elements that are not closed in order."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.text, self.links, self.ids, self.open = "", [], set(), []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.links += [value for name in ("href", "src") if (value := found.get(name))]
        self.ids |= {found["id"]} if found.get("id") else set()
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += f" {data}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "site"
    render.write(made_site(), folder)
    return folder


def page_of(folder: Path, table: str) -> Reader:
    return Reader(folder / render.address(table))


def test_each_contracted_table_has_a_page_with_all_its_columns(folder: Path) -> None:
    for contract in lint([ROOT / "contracts"]).contracts:
        page = page_of(folder, f"{contract.layer}.{contract.table}")
        assert page.open == []
        assert {column.name for column in contract.columns} <= page.ids
        assert contract.owner in page.text
        assert contract.version in page.text


def test_every_link_in_the_site_has_a_target(folder: Path) -> None:
    pages = {path.resolve(): Reader(path) for path in folder.rglob("*.html")}
    links = [(path, link) for path, page in pages.items() for link in page.links]
    assert len(links) > 100
    for path, link in links:
        if link.startswith(("mailto:", "data:")):
            continue
        name, _, place = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.is_file(), f"{path.name}: {link}"
        assert not place or place in pages[target].ids, f"{path.name}: {link}"


def test_no_page_loads_anything_from_the_network(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text().replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|@import|\burl\(", text), path.name


def test_untrusted_text_is_escaped(folder: Path) -> None:
    page = folder / render.address("gold.top_beers_by_rating")
    assert HOSTILE not in page.read_text()
    assert "window.broken" in Reader(page).text
    assert "Beer & <reviews>" in Reader(page).text


def test_outcomes_and_figures_are_those_of_the_build_and_the_store(folder: Path) -> None:
    reviews = page_of(folder, "silver.reviews").text
    assert re.search(r"unique\s+fail\s+3 rows", reviews)
    assert re.search(r"relationships\s+warn\s+12 rows", reviews)
    assert re.search(r"reviews_state: .*\s+error", reviews)
    raw = (folder / render.address("bronze.review")).read_text()
    assert re.findall(r'data-figure="(\w+)" data-value="([^"]*)">([^<]*)<', raw) == [
        ("last_batch", "4", "4"),
        ("records", "1250", "1,250"),
        ("rows", "1240", "1,240"),
        ("quarantined", "9", "9"),
        ("control", "1", "1"),
        ("completeness_percent", "99.2794", "99.28 %"),
        ("published_at", "2026-03-01T11:55:00+00:00", "2026-03-01 11:55"),
    ]
    assert re.search(r"type:review_id\s+7", page_of(folder, "bronze.review").text)
    assert "truncate-table" in page_of(folder, "bronze.review").text


def test_a_table_shows_how_to_use_it_its_limits_and_when_it_ends(tmp_path: Path) -> None:
    site = made_site()
    [top] = [page for page in site.tables if page.name == "gold.top_beers_by_rating"]
    column = replace(top.columns[0], column=replace(top.columns[0].column, ends=date(2027, 3, 1)))
    ending = replace(top.contract, status="deprecated", ends=date(2027, 6, 1))
    page = replace(top, contract=ending, columns=(column, *top.columns[1:]))
    others = tuple(page for page in site.tables if page.name != top.name)
    render.write(replace(site, tables=(*others, page)), tmp_path)
    text = (tmp_path / render.address(top.name)).read_text()
    for words in ("rating_rank &lt;= n", "fewer than 25 reviews", "Ends on 2027-06-01", "ends on 2027-03-01",
                  ">deprecated<"):  # fmt: skip
        assert words in text
    assert "nds on 2027" not in (tmp_path / render.address("silver.beers")).read_text()


def test_a_table_shows_its_contract_versions_and_the_cost_of_its_models(folder: Path) -> None:
    text = page_of(folder, "silver.reviews").text
    assert re.search(r"1\.1\.0\s+2026-02-26\s+Name the state", text)
    assert re.search(r"1\.0\.0\s+2025-12-01\s+Begin", text)
    assert re.search(r"reviews_state\s+4\s+1\.5 GB\s+12\.5 s\s+\$0\.007324", text)
    assert "unique_reviews" not in text
    assert "Contract history" not in page_of(folder, "bronze.review").text


def test_backticks_in_descriptions_become_code_and_the_rest_is_escaped(folder: Path) -> None:
    assert render.prose("`a < b` & <b>") == "<code>a &lt; b</code> &amp; &lt;b&gt;"
    assert (
        "<code>unknown</code> where there is none"
        in (folder / render.address("gold.top_beers_by_rating")).read_text()
    )


def test_dbts_own_docs_are_copied_and_linked(tmp_path: Path) -> None:
    static = tmp_path / "static_index.html"
    static.write_text("<p>dbt</p>")
    render.write(made_site(), tmp_path / "site", static)
    assert "../dbt.html" in page_of(tmp_path / "site", "silver.reviews").links
    assert (tmp_path / "site" / "dbt.html").read_text() == "<p>dbt</p>"


def test_a_count_names_the_table_whose_rows_it_counts(folder: Path) -> None:
    assert re.search(r"the rows of\s+silver\.review_flat", page_of(folder, "gold.top_beers_by_rating").text)


def table(name: str, **more: timedelta) -> TablePage:
    results = made_results(NOW - more.get("built", timedelta(hours=1)))
    lives = made_lives(NOW - more.get("published", timedelta(hours=1)))
    site = collect.site(lint([ROOT / "contracts"]).contracts, None, results, lives, title="x", now=NOW)
    return next(page for page in site.tables if page.name == name)


def test_freshness_is_compared_with_the_contract() -> None:
    day = timedelta(days=1)
    assert table("bronze.review", published=day).freshness.state == "ok"
    late = table("bronze.review", published=2 * day).freshness
    assert (late.state, render.words(late)) == ("late", "updated 2 days ago, promised within 24 hours")
    assert table("gold.top_beers_by_rating", built=2 * day).freshness.state == "late"
    assert table("gold.top_drinkers").freshness.state == "unknown"


def test_a_failed_build_does_not_make_a_table_fresh() -> None:
    assert table("silver.reviews").freshness.state == "unknown"


def test_a_new_site_replaces_an_old_one_but_no_other_folder(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    render.write(made_site(), folder)
    (folder / "tables" / "old.html").touch()
    render.write(made_site(), folder)
    assert not (folder / "tables" / "old.html").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="something else"):
        render.write(made_site(), other)
    assert (other / "notes.txt").read_text() == "mine"


def test_the_site_never_overwrites_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "site.partial").mkdir()
    (tmp_path / "site.partial" / "notes.txt").write_text("mine")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for folder, why in (("file", "is a file"), ("site", "something else"), ("here", "working directory")):
        with pytest.raises(UsageError, match=why):
            render.write(made_site(), tmp_path / folder)
    with pytest.raises(UsageError, match="is the working directory"):
        render.write(made_site(), Path())
    assert (tmp_path / "site.partial" / "notes.txt").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "mine"


def test_sites_written_concurrently_to_one_folder_leave_one_whole_site(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda _: render.write(made_site(), tmp_path / "site"), range(8)))
    assert {tuple(files) for files in written} == {tuple(written[0])}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_results_overwritten_by_dbt_show_are_explained(
    tmp_path: Path,
) -> None:
    (tmp_path / "manifest.json").write_text('{"nodes": {}}')
    (tmp_path / "run_results.json").write_text('{"results": [], "args": {"which": "show"}}')
    arguments = ["build", "--offline", "--target", str(tmp_path), "--output", str(tmp_path / "site")]
    result = CliRunner().invoke(command, arguments, env={"DM_CONTRACTS": str(ROOT / "contracts")})
    assert "without checks: `dbt build` adds them, but `dbt show` has replaced them since" in result.stderr
    assert "--no-write-json" in result.stderr


def test_a_title_that_is_not_valid_unicode_is_refused(tmp_path: Path) -> None:
    arguments = ["build", "--offline", "--output", str(tmp_path / "site"), "--title", "Lak\udce9house"]
    result = CliRunner().invoke(command, arguments, env={"DM_CONTRACTS": str(ROOT / "contracts")})
    assert isinstance(result.exception, UsageError)
    assert list(tmp_path.iterdir()) == []


def test_a_symbolic_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "real")
    for _ in range(2):
        render.write(made_site(), tmp_path / "site")
    assert (tmp_path / "site").is_symlink()
    assert (tmp_path / "real" / "index.html").exists()


def test_without_any_cloud_or_build_the_site_says_what_is_missing(tmp_path: Path) -> None:
    arguments = ["build", "--offline", "--target", str(tmp_path), "--output", str(tmp_path / "site")]
    result = CliRunner().invoke(command, arguments, env={"DM_CONTRACTS": str(ROOT / "contracts")})
    assert result.exit_code == 0, result.output
    for what in ("without lineage: `dm lineage build --c", "without checks: `dbt build`", "without batches"):
        assert what in result.stderr
    assert "never seen" in page_of(tmp_path / "site", "bronze.review").text


def test_the_graph_has_everything_upstream_and_downstream(folder: Path) -> None:
    raw = (folder / render.address("silver.review_flat")).read_text()
    found = re.search(r'class="edges">(.*?)</script>', raw)
    assert found is not None
    ends = {(edge[0], edge[1]) for edge in json.loads(found[1])["edges"]}
    expected = {
        (hop.source, hop.target) for hops in made_graph().up.values() for hop in hops if hop.kind == "direct"
    }
    assert ends == {
        pair
        for pair in expected
        if not pair[1].startswith(("silver.reviews.", "gold.top_beers_by_rating.beer"))
    }
