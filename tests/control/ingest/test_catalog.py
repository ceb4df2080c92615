"""Tables in the catalog follow their contracts, even if no batch arrives."""

from dataclasses import replace

from control.ports import CatalogColumn

NEW = CatalogColumn("colour", "string")


def with_column(table, column=NEW):
    """Return the table with a column added to its contract."""
    return replace(table, rows=replace(table.rows, columns=(*table.rows.columns, column)))


def columns(world, table="beer"):
    return world.catalog.get_table("bronze", table).columns


def test_a_new_contract_column_is_added_without_a_batch(world) -> None:
    world.land("beer", "a", "1")
    world.run()
    world.tables["beer"] = with_column(world.tables["beer"])
    outcome = world.run()
    assert (outcome.batches, outcome.findings) == ((), ())
    assert NEW in columns(world)
    assert world.visible("beer") == {1: ["1"]}
    world.check()


def test_the_catalog_is_read_once_per_contract_change(world, monkeypatch) -> None:
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


def test_a_table_created_for_its_first_batch_is_not_checked_again(world, monkeypatch) -> None:
    asked, made = [], []
    ensure = world.catalog.ensure_table
    monkeypatch.setattr(world.catalog, "get_table", lambda *name: asked.append(name))
    monkeypatch.setattr(world.catalog, "ensure_table", lambda table: made.append(table.name) or ensure(table))
    world.land("beer", "a", "1")
    world.run()
    world.run()
    assert (asked, made) == ([], ["beer", "beer_events"])


def test_a_table_without_batches_is_not_created(world) -> None:
    world.run()
    assert world.catalog.tables == {}


def test_a_dropped_table_is_created_again_only_for_its_next_batch(world) -> None:
    world.land("beer", "a", "1")
    world.run()
    world.catalog.tables.clear()
    world.tables["beer"] = with_column(world.tables["beer"])
    world.run()
    assert world.catalog.tables == {}
    world.land("beer", "b", "2")
    world.run()
    assert NEW in columns(world)


def test_an_impossible_contract_change_blocks_its_table_before_a_batch_arrives(world) -> None:
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
