import json
import subprocess
import sys

from control.adapters.s3 import S3Objects


def dm(*arguments):
    command = [sys.executable, "-m", "control.cli.main", "sample", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_landing_in_a_folder_lists_the_raw_files(tmp_path):
    done = dm("land", "--rows", "100", "--delivery", "2", "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout)
    assert {file["table"] for file in files} == {"brewery", "beer", "profile", "review"}
    assert sorted(file["uri"] for file in files) == sorted(str(path) for path in tmp_path.rglob("*.gz"))


def test_landing_goes_to_the_bucket_of_the_lake(cloud):
    done = dm("land", "--rows", "100", "--delivery", "2")
    assert done.returncode == 0, done.stderr
    assert "brewery" in done.stdout
    assert list(S3Objects(cloud).list(f"s3://{cloud.bucket}/raw/review/"))


def test_missing_sample_data_is_reported_with_what_to_do(tmp_path):
    done = dm("land", "--out", str(tmp_path), "--data", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert f"{tmp_path / 'nowhere'}" in done.stderr
    assert "--data" in done.stderr


def test_help_has_examples():
    assert "Examples:" in dm("land", "--help").stdout
