"""The table `wine` in a source, changed at random by several sessions, and the difficulties it must meet.

A capture is anything that can be started and killed, and that has its records as lines in order of delivery.
"""

import json
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).parents[1] / "services"))

from postgres import Server, Session

TABLE = """
create table public.wine (
    wine_id bigint primary key, wine_name text not null, price numeric(12, 4), rating float8, note text,
    tasted_at timestamptz, is_corked boolean
);
alter table wine replica identity full;
alter table wine alter note set storage external;
insert into wine select n, 'Wine ' || n, n + 0.1, n / 7.0, repeat('note ' || n, 1000), now(), n % 2 = 0
from generate_series(1, 60) as n;
update wine set price = null, rating = null, note = null, tasted_at = null, is_corked = null
where wine_id % 5 = 0
"""
COLUMNS = "wine_id, wine_name, price, rating, note, cast(tasted_at as varchar) as tasted_at, is_corked"
TRUTH = """
select row_to_json(w) from (
    select wine_id, wine_name, price::text, rating, note,
        to_char(tasted_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as tasted_at, is_corked
    from wine order by 1
) as w
"""
# 80 transactions of a session: a fifth is rolled back, and changes that other sessions block are skipped.
WORK = """
set lock_timeout = '300ms';
do $$
declare
    k int;
begin
    perform setseed({seed});
    for n in 1..80 loop
        for i in 0..floor(random() * 5) loop
            k := 1 + floor(random() * 60);
            begin
                case floor(random() * 7)::int
                    when 0 then insert into wine values (k, 'inserted ' || n, n, random());
                    when 1 then insert into wine values (k, 'merged ' || n, 0.5, null, '', null, true)
                        on conflict (wine_id) do update set wine_name = excluded.wine_name;
                    when 2 then update wine set price = coalesce(price, 0) + 0.0001 where wine_id = k;
                    when 3 then update wine set note = repeat(md5(random()::text), 100) where wine_id = k;
                    when 4 then delete from wine where wine_id = k;
                    when 5 then update wine set wine_id = 1 + floor(random() * 60) where wine_id = k;
                    else
                        delete from wine where wine_id = k;
                        insert into wine
                        values (k, 'anew ' || n, -1.5, 1e-7, E'tab\\t "q" \\\\ ü 🍷', now(), false);
                end case;
            exception when unique_violation or lock_not_available or deadlock_detected then null;
            end;
            perform pg_sleep(random() * 0.02);
        end loop;
        if random() < 0.2 then rollback; else commit; end if;
    end loop;
end $$
"""


class Capture(Protocol):
    """Reads the source's log."""

    def start(self) -> None:
        """Start, or resume where it was."""

    def kill(self) -> None:
        """Kill it, as a crash would."""

    def is_running(self) -> bool:
        """Return whether it was started and has not ended by itself."""

    def lines(self) -> list[str]:
        """Return every record written so far, in order of delivery."""

    def fail(self, why: str) -> None:
        """Raise RuntimeError with the latest output."""


def truth(session: Session) -> list[tuple[Any, ...]]:
    """Return the rows of the source, as silver shows them."""
    rows = [json.loads(row[0]) for row in session.ask(TRUTH)]
    return [(*(row | {"price": row["price"] and Decimal(row["price"])}).values(),) for row in rows]


def start_across_transactions(source: Server, shop: Session, capture: Capture) -> None:
    """Start Debezium while transactions are open, two of which are not in its snapshot.

    They write before the snapshot's log position and commit after it, so the position of the change is lower
    than that of the row that it changes.
    """
    stuck = "select 1 from pg_stat_activity where backend_type = 'walsender' and wait_event = 'transactionid'"
    with (
        source.session() as first,
        source.session() as second,
        source.session() as update,
        source.session() as delete,
    ):
        first.ask("begin; insert into wine values (101, 'before the slot')")
        capture.start()
        shop.wait_until(stuck)
        second.ask("begin; insert into wine values (102, 'while it is made')")
        [xid] = second.ask("select txid_current()")
        first.ask("commit")
        shop.wait_until(f"select 1 from pg_locks where not granted and transactionid::text = '{xid[0]}'")
        update.ask("begin; update wine set wine_name = 'across the snapshot' where wine_id = 101")
        delete.ask("begin; delete from wine where wine_id = 60")
        second.ask("commit")
        wait_for(capture, '"op":"r"')
        delete.ask("commit")
        update.ask("commit")


def take_a_key_from_another(source: Server, shop: Session) -> None:
    """Insert a key that another transaction holds and then releases: it is logged before the release."""
    with source.session() as holder, source.session() as waiting:
        holder.ask("begin; insert into wine values (200, 'given up')")
        waiting.begin("insert into wine values (200, 'taken over')")
        shop.wait_until("select 1 from pg_stat_activity where wait_event = 'transactionid' "
                        "and query like '%taken over%' and pid <> pg_backend_pid()")  # fmt: skip
        holder.ask("delete from wine where wine_id = 200; commit")
        waiting.answer()


def wait_for(capture: Capture, text: str) -> None:
    """Wait until a record contains `text`."""
    for _ in range(600):
        if any(text in line for line in capture.lines()):
            return
        if not capture.is_running():
            capture.fail("the capture ended")
        time.sleep(0.2)
    capture.fail(f"never: {text}")


def kill_and_start(shop: Session, capture: Capture, number: int) -> None:
    """Kill the capture after it has got past its last saved offsets, and start it again."""
    shop.ask(f"insert into wine values ({1000 + number}, 'before the kill')")
    wait_for(capture, f'"wine_id":{1000 + number}')
    capture.kill()
    capture.start()


def assert_that_it_was_hard(records: list[dict[str, Any]]) -> None:
    """Check that the difficulties occurred: log order is not commit order, and records were repeated."""
    changes = [record for record in records if record["op"] in "cud"]
    [loaded] = {record["source"]["lsn"] for record in records if record["op"] == "r"}
    assert {c["op"] for c in changes if c["source"]["lsn"] < loaded} >= {"d", "u"}
    again = Counter((c["source"]["lsn"], c["op"], json.dumps(c["after"])) for c in changes)
    assert max(again.values()) > 1
    taken = [c for c in changes if 200 in (row["wine_id"] for row in (c["before"], c["after"]) if row)]
    delivered = list(dict.fromkeys(c["source"]["lsn"] for c in taken))
    assert len(delivered) == 3
    assert delivered != sorted(delivered)
    assert any(record["op"] == "t" for record in records)
