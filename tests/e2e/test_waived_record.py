"""A record that bronze accepts and silver's contract refuses, with no better record to come."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from lakehouse import Lakehouse

MODELS = ("--select", "breweries_state", "breweries", "--exclude-resource-type", "test")
TOMORROW = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
YESTERDAY = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"


def change(position: str, number: int, name: str) -> bytes:
    metadata = {"record-type": "data", "operation": "insert", "stream-position": position}
    return json.dumps({"data": {"brewery_id": number, "brewery_name": name}, "metadata": metadata}).encode()


def silver(lakehouse: Lakehouse) -> list[dict[str, Any]]:
    return lakehouse.query("select brewery_id, brewery_name from silver.breweries order by brewery_id")


def test_a_refused_record_is_listed_waived_and_refused_again_after_the_waiver_ends(
    lakehouse: Lakehouse,
) -> None:
    # Bronze has no rule against it: a name that is present but empty.
    lines = [change("0/100", 1, "Alpha"), change("0/200", 2, ""), change("0/300", 3, "Gamma")]
    lakehouse.put("raw/brewery/cdc/1.json.gz", gzip.compress(b"\n".join(lines)))
    lakehouse.put("raw/brewery/cdc/2.json.gz", gzip.compress(lines[1]))
    lakehouse.dm("ingest", "run", "--until-idle")
    assert "dm quarantine held" in lakehouse.build(*MODELS, expect=1)

    held = lakehouse.dm("quarantine", "held")
    assert [(one["table"], one["state_table"], one["key"]) for one in held] == [
        ("brewery", "breweries_state", "2")
    ] * 2, "the record arrived twice"
    assert {one["place"].rpartition(":")[2] for one in held} == {"1", "2"}
    waive = ("quarantine", "waive", *(one["place"] for one in held))
    lakehouse.dm(*waive, "--reason", "the shop never named it", "--until", TOMORROW)
    assert lakehouse.dm("quarantine", "held") == [], "the next build leaves them out"

    assert "2 of its records" in lakehouse.build(*MODELS)
    kept = [{"brewery_id": 1, "brewery_name": "Alpha"}, {"brewery_id": 3, "brewery_name": "Gamma"}]
    assert silver(lakehouse) == kept
    assert lakehouse.dm("quarantine", "held") == []
    [status] = [one for one in lakehouse.dm("status") if one["table"] == "brewery"]
    assert status["waived_records"] == len(lakehouse.dm("quarantine", "held", "--waived")) == 2
    lakehouse.build(*MODELS, "--vars", "rebuild: true")
    assert silver(lakehouse) == kept

    lakehouse.dm(*waive, "--reason", "long enough", "--until", YESTERDAY)
    assert lakehouse.dm("quarantine", "held", "--waived") == []
    lakehouse.build(*MODELS)
    lakehouse.build(*MODELS, "--vars", "rebuild: true", expect=1)
    assert silver(lakehouse) == kept
