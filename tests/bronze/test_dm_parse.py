"""`dm parse` as a user runs it: its output, its files, its exit code."""

import gzip
import hashlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from raw_files import contract_text, record

DM = [sys.executable, "-m", "control.cli.main", "parse"]
CONTENT = b"id,name\n1,a\n\n2,b\nx,c\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Enter a working folder with a contract, a good extract and a broken one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.delenv("DM_TOKEN_KEY", raising=False)
    Path("thing.yaml").write_text(contract_text("id bigint key", "name string?"))
    Path("tokens.yaml").write_text(contract_text("id bigint key", "name string? token"))
    Path("good.csv.gz").write_bytes(gzip.compress(CONTENT, mtime=0))
    Path("cut.csv.gz").write_bytes(gzip.compress(CONTENT, mtime=0)[:-3])
    return tmp_path


def dm(*arguments, contract="thing.yaml"):
    options = [] if contract is None else ["--contract", contract, "--out", "out"]
    return subprocess.run([*DM, *arguments, *options], capture_output=True, text=True, check=False)


def written():
    return sorted(path.as_posix() for path in Path("out").rglob("*") if path.is_file())


def test_json_output_has_the_counts(place):
    run = dm("good.csv.gz", "--json")
    sha256 = hashlib.sha256(Path("good.csv.gz").read_bytes()).hexdigest()
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout) == {
        **{"lines": 5, "blank": 1, "records": 3, "rows": 2, "quarantined": 1, "control": 0, "sha256": sha256},
        **{"reasons": {"type:id": 1}, "failure": None, "discarded": 0},
    }
    assert written() == [f"out/bronze/{sha256}-00000.parquet", f"out/quarantine/{sha256}.jsonl"]
    entry = json.loads(Path(written()[1]).read_text())
    assert (entry["line"], entry["offset"], entry["reason"], entry["raw"]) == (5, 17, "type:id", "x,c")


def test_plain_output_has_counts_and_reasons(place):
    run = dm("good.csv.gz", "--file-id", "f")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines() == [
        "3 records in 5 lines: 2 rows, 1 quarantined, 0 control",
        "           1  type:id",
        "written to out",
    ]
    assert written() == ["out/bronze/f-00000.parquet", "out/quarantine/f.jsonl"]


def seqs():
    return set(pq.read_table("out/bronze/f-00000.parquet").column("_seq").to_pylist())


def test_epoch_and_extract_come_from_the_path_unless_given(place):
    folder = Path("raw/epoch=3/extract=5")
    folder.mkdir(parents=True)
    Path("good.csv.gz").rename(folder / "good.csv.gz")
    assert dm(f"{folder}/good.csv.gz", "--file-id", "f").returncode == 0
    assert seqs() == {"0000000003.0000000000000000.0.00000000000000000005"}
    assert dm(f"{folder}/good.csv.gz", "--file-id", "f", "--epoch", "7", "--extract", "8").returncode == 0
    assert seqs() == {"0000000007.0000000000000000.0.00000000000000000008"}


def test_change_records_also_give_events(place):
    records = [record({"id": 1, "name": "a"}), record({}, "truncate-table", record_type="control")]
    Path("x.json.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, records)).encode()))
    run = dm("x.json.gz", "--file-id", "f", "--json")
    assert (json.loads(run.stdout)["rows"], json.loads(run.stdout)["control"]) == (1, 1)
    assert written() == ["out/bronze/f-00000.parquet", "out/events/f.parquet"]


def test_a_replayed_quarantine_file_keeps_the_identity_of_its_records(place):
    folder = Path("raw/epoch=3/extract=5")
    folder.mkdir(parents=True)
    Path("good.csv.gz").rename(folder / "good.csv.gz")
    assert dm(f"{folder}/good.csv.gz", "--file-id", "f").returncode == 0
    Path("loose.yaml").write_text(contract_text("id string key", "name string?", version="2.0.0"))
    run = dm("out/quarantine/f.jsonl", "--file-id", "again", contract="loose.yaml")
    assert run.stdout.splitlines()[0] == "1 records in 1 lines: 1 rows, 0 quarantined, 0 control"
    [row] = pq.read_table("out/bronze/again-00000.parquet").to_pylist()
    assert (row["id"], row["_file_id"], row["_line"]) == ("x", "f", 5)
    assert row["_seq"] == "0000000003.0000000000000000.0.00000000000000000005"
    assert row["_rev"] > pq.read_table("out/bronze/f-00000.parquet").column("_rev")[0].as_py()
    wrong = dm("out/quarantine/f.jsonl", "--epoch", "1")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "whose entries say their epoch, extract and position" in wrong.stderr


def test_a_refused_file_exits_with_1_says_why_and_leaves_no_bronze(place):
    assert dm("good.csv.gz", "--file-id", "f").returncode == 0
    run = dm("cut.csv.gz", "--file-id", "f", "--json")
    assert run.returncode == 1
    assert run.stderr == (
        "error: cut.csv.gz is refused as a whole (gzip_truncated): the gzip stream ends before its trailer\n"
    )
    assert json.loads(run.stdout)["failure"] == "gzip_truncated"
    assert written() == ["out/quarantine/f.jsonl"]
    assert not Path("out/bronze").exists()
    assert dm("cut.csv.gz").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "contract", "words"),
    [
        (["absent.csv.gz"], "thing.yaml", "error: absent.csv.gz: No such file or directory"),
        (["."], "thing.yaml", "error: .: Is a directory"),
        (["thing.yaml"], "thing.yaml", "error: thing.yaml is neither .csv nor .json"),
        (["good.csv.gz"], "absent.yaml", "error: absent.yaml: cannot be read: No such file or directory"),
        (["good.csv.gz"], "good.csv.gz", "error: good.csv.gz: is not UTF-8 at byte 1"),
        (["good.csv.gz"], "broken.yaml", "error: broken.yaml:2: not valid YAML"),
        (["good.csv.gz"], "tokens.yaml", "error: thing has tokens of name, and no key is set to make them"),
        (["good.csv.gz", "--file-id", "a/b"], "thing.yaml", "error: the file id 'a/b' cannot name a file"),
        (["good.csv.gz", "--epoch", "-1"], "thing.yaml", "Invalid value for '--epoch'"),
        (["good.csv.gz", "--extract", "x"], "thing.yaml", "Invalid value for '--extract'"),
        (["good.csv.gz"], None, "Missing option '--contract'"),
        ([], "thing.yaml", "Missing argument 'FILE'"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_message(place, arguments, contract, words):
    Path("broken.yaml").write_text("kind: DataContract\nversion: a: b\n")
    run = dm(*arguments, contract=contract)
    assert (run.returncode, run.stdout) == (2, "")
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert not Path("out/bronze").exists()


def test_an_output_path_that_is_no_folder_exits_with_2(place):
    Path("out").write_text("in the way")
    run = dm("good.csv.gz")
    assert run.returncode == 2
    assert "Not a directory" in run.stderr
    assert "Traceback" not in run.stderr


def test_tokens_use_the_key_in_the_environment(place, monkeypatch):
    monkeypatch.setenv("DM_TOKEN_KEY", "secret")
    assert dm("good.csv.gz", "--file-id", "f", contract="tokens.yaml").returncode == 0
    tokens = pq.read_table("out/bronze/f-00000.parquet").column("name_token").to_pylist()
    assert [len(token) for token in tokens] == [64, 64]


def test_caps_can_be_set(place):
    assert json.loads(dm("good.csv.gz", "--json", "--max-line-bytes", "2").stdout)["failure"] == "header"
    assert (
        json.loads(dm("good.csv.gz", "--json", "--max-inflated-bytes", "5").stdout)["failure"] == "too_large"
    )
    Path("same.csv.gz").write_bytes(gzip.compress(b"id,name\n" + (b"1," + b"a" * 99_998 + b"\n") * 200))
    assert json.loads(dm("same.csv.gz", "--json").stdout)["failure"] == "ratio"
    assert json.loads(dm("same.csv.gz", "--json", "--max-ratio", "2000").stdout)["failure"] is None


def test_progress_is_shown_only_on_a_terminal(place):
    main, side = pty.openpty()
    run = subprocess.run(
        [*DM, "good.csv.gz", "--contract", "thing.yaml", "--out", "out"],
        stdout=subprocess.PIPE, stderr=side, check=False,
    )  # fmt: skip
    os.close(side)
    shown = os.read(main, 10_000).decode()
    os.close(main)
    assert run.returncode == 0
    assert "good.csv.gz" in shown
    assert "100%" in shown
    assert run.stdout.decode().startswith("3 records")


def test_help_has_an_example():
    run = subprocess.run([*DM, "--help"], capture_output=True, text=True, check=True)
    assert "dm parse reviews.csv.gz --contract contracts/bronze/review.yaml --out parsed" in run.stdout
