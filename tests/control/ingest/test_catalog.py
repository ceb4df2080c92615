"""Tables in the catalog follow their contracts, also while no batch comes."""

from dataclasses import replace

from control.ports import CatalogColumn

NEW = CatalogColumn("colour", "string")


def with_column(table, column=NEW):
    """The table as its contract has it after it gained a column."""
    return replace(table, rows=replace(table.rows, columns=(*table.rows.columns, column)))


def columns(world, table="beer"):
    return world.catalog.get_table("bronze", table).columns


def test_a_column_that_the_contract_gained_is_there_without_a_batch(world) -> None:
    world.land("beer", "a", "1")
    world.run()
    world.tables["beer"] = with_column(world.tables["beer"])
    outcome = world.run()
    assert (outcome.batches, outcome.findings) == ((), ())
    assert NEW in columns(world)
    assert world.visible("beer") == {1: ["1"]}
    world.check()


def test_the_catalog_is_asked_once_for_each_change_of_a_contract(world, monkeypatch) -> None:
    world.land("beer", "a", "1")
    world.run()
    world.run()
    asked = []
    monkeypatch.setattr(world.catalog, "get_table", lambda *name: asked.append(name))
    world.run()
    assert asked == []
    world.tables["beer"] = with_column(world.tables["beer"])
    world.run()
    world.run()
    assert asked == [("bronze", "beer"), ("bronze", "beer_events")]


def test_a_table_that_was_made_for_its_first_batch_is_not_looked_at_again(world, monkeypatch) -> None:
    asked, made = [], []
    ensure = world.catalog.ensure_table
    monkeypatch.setattr(world.catalog, "get_table", lambda *name: asked.append(name))
    monkeypatch.setattr(world.catalog, "ensure_table", lambda table: made.append(table.name) or ensure(table))
    world.land("beer", "a", "1")
    world.run()
    world.run()
    assert (asked, made) == ([], ["beer", "beer_events"])


def test_a_table_without_a_batch_is_not_made(world) -> None:
    world.run()
    assert world.catalog.tables == {}


def test_a_table_that_somebody_took_away_comes_back_with_its_next_batch_only(world) -> None:
    world.land("beer", "a", "1")
    world.run()
    world.catalog.tables.clear()
    world.tables["beer"] = with_column(world.tables["beer"])
    world.run()
    assert world.catalog.tables == {}
    world.land("beer", "b", "2")
    world.run()
    assert NEW in columns(world)


def test_a_contract_that_cannot_be_followed_blocks_its_table_before_a_batch_comes(world) -> None:
    for table in world.tables:
        world.land(table, "a", "1")
    world.run()
    beer, review = world.tables["beer"], world.tables["review"]
    world.tables["beer"] = replace(beer, rows=replace(beer.rows, columns=(CatalogColumn("line", "double"),)))
    world.tables["review"] = with_column(review)
    for _ in range(2):
        outcome = world.run()
        assert [(found.code, found.where) for found in outcome.findings] == [("table.blocked", "beer")]
    assert columns(world) == beer.rows.columns
    assert NEW in columns(world, "review")
    world.tables["beer"] = beer
    assert world.run().findings == ()
