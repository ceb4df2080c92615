"""A new token key is refused until someone asks for it; then no token of the old key remains."""

import gzip
import hmac
import json
from dataclasses import replace

from lakehouse import TOKEN_KEY, Lakehouse

NEW = "the key from now on, as long as one has to be"
MODELS = ("--select", "profiles_state", "profiles", "--exclude-resource-type", "test")
PEOPLE = 24


def token(number: int, key: str) -> str:
    return hmac.digest(key.encode(), f"{number}@a.example".encode(), "sha256").hex()


def change(number: int, position: int, state: str) -> str:
    row = {
        "profile_id": number,
        "profile_name": f"P{number}",
        "email": f"{number}@a.example",
        "state": state,
    }
    metadata = {"record-type": "data", "operation": "update", "stream-position": f"0/{position:X}00"}
    return json.dumps({"data": row, "metadata": metadata, "before-image": row})


def land(house: Lakehouse, name: str, *lines: str) -> None:
    house.put(f"raw/profile/cdc/{name}.json.gz", gzip.compress("\n".join(lines).encode()))


def shown(house: Lakehouse) -> dict[int, tuple[str, str]]:
    """Return token and state of each person, as readers see them."""
    rows = house.query("select profile_id, email, state from silver.profiles")
    return {row["profile_id"]: (row["email"], row["state"]) for row in rows}


def test_a_replay_under_a_new_key_replaces_all_tokens_and_keys_never_mix_by_mistake(
    lakehouse: Lakehouse,
) -> None:
    land(lakehouse, "1", *(change(number, number, "VA") for number in range(1, PEOPLE + 1)))
    lakehouse.dm("ingest", "run", "--until-idle")
    lakehouse.build(*MODELS)

    later = replace(lakehouse, env=lakehouse.env | {"DM_TOKEN_KEY": NEW})
    land(later, "2", change(1, 100, "MD"), change(2, 101, "MD"))
    refused = later.run("dm", "ingest", "run", expect=1)
    assert "not the key that made the tokens of profile" in refused
    assert NEW not in refused
    assert [f["state"] for f in later.dm("files", "list")] == ["published", "pending"]

    said = later.dm("ingest", "rekey", "--table", "profile", "--reason", "the old one has leaked")
    later.dm("ingest", "run", "--until-idle")
    later.build(*MODELS)
    fresh = {1: (token(1, NEW), "MD"), 2: (token(2, NEW), "MD")}
    assert shown(later) == {n: (token(n, TOKEN_KEY), "VA") for n in range(1, PEOPLE + 1)} | fresh
    left = (
        f"select count(*) as n from silver.profiles_state where not _deleted and _rev < {said['least_rev']}"
    )
    assert later.query(left) == [{"n": PEOPLE - 2}]
    assert lakehouse.run("dm", "ingest", "run", "--list") == "Nothing to ingest.\n"

    later.dm("ingest", "replay", "--table", "profile", "--from", "1", "--to", "1", "--reason", "another key")
    assert "not the key" in lakehouse.run("dm", "ingest", "run", expect=1)
    later.dm("ingest", "run", "--until-idle")
    later.build(*MODELS)
    # If both records had one place, the greater hash would win: the old token for half of them.
    assert shown(later) == {n: (token(n, NEW), "VA") for n in range(1, PEOPLE + 1)} | fresh
    assert later.query(left) == [{"n": 0}]
