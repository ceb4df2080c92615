"""How `dm reconcile` interprets dbt's output."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import control.reconcile
from control.cli.reconcile import command
from control.errors import NotFoundError, UpstreamError, UsageError
from control.reconcile import reconcile

SAID = """08:05:25  Encountered an error:
Compilation Error in operation lakehouse-on-run-start-1 (./dbt_project.yml)
  {}

  > in macro refuse_absent_tables (macros/guard/refuse_absent_tables.sql)
  > called by operation lakehouse-on-run-start-1 (./dbt_project.yml)
"""


def dbt(folder: Path, said: str) -> Path:
    """Create a dbt that prints `said` and fails."""
    program, words = folder / "dbt", folder / "words"
    words.write_text(SAID.format(said))
    program.write_text(f"#!/bin/sh\ncat {words}\nexit 2\n")
    program.chmod(0o755)
    return program


def test_tables_that_were_never_built_raise_not_found(tmp_path: Path) -> None:
    said = "There is nothing to compare with, because these are not built: gold.top_drinkers"
    with pytest.raises(NotFoundError) as failure:
        reconcile(["top_drinkers"], dbt=dbt(tmp_path, said), profiles=tmp_path)
    assert str(failure.value) == said
    assert "dbt build" in failure.value.hint


def test_another_error_of_dbt_is_a_usage_error_without_dbts_stack(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as failure:
        reconcile(["x"], dbt=dbt(tmp_path, "No such thing"), profiles=tmp_path)
    assert not isinstance(failure.value, NotFoundError)
    assert str(failure.value).endswith("No such thing")


def test_a_cloud_that_cannot_be_reached_is_an_upstream_error_with_dbts_words_alone(tmp_path: Path) -> None:
    program = tmp_path / "dbt"
    lost = "Could not connect to the endpoint URL: http://127.0.0.1:9/. Nothing was done."
    (tmp_path / "words").write_text(
        f"07:06:59  Finished.\n07:06:59  Encountered an error:\nRuntime Error\n  {lost}\n"
    )
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/words\nexit 2\n")
    program.chmod(0o755)
    with pytest.raises(UpstreamError, match="dbt did not run: Runtime Error Could not connect"):
        reconcile(["x"], dbt=program, profiles=tmp_path)


def test_a_version_of_a_model_is_named_with_its_model(tmp_path: Path) -> None:
    result = {"unique_id": "model.lakehouse.top_drinkers.v2", "status": "success", "message": "OK"}
    program = tmp_path / "dbt"
    program.write_text(
        '#!/bin/sh\nfor folder; do case "$folder" in */target) mkdir -p "$folder"\n'
        f"echo '{json.dumps({'results': [result]})}' > \"$folder/run_results.json\";; esac; done\n"
    )
    program.chmod(0o755)
    [compared] = reconcile(["top_drinkers"], dbt=program, profiles=tmp_path)
    assert (compared.model, compared.result) == ("top_drinkers.v2", "same")


def test_dbts_message_about_its_options_is_passed_on(tmp_path: Path) -> None:
    program = tmp_path / "dbt"
    program.write_text("#!/bin/sh\necho \"Error: Path 'profiles' does not exist.\" >&2\nexit 2\n")
    program.chmod(0o755)
    with pytest.raises(UsageError, match="dbt did not run: Error: Path 'profiles' does not exist"):
        reconcile(["x"], dbt=program, profiles=tmp_path)


@pytest.mark.parametrize("option", ["--project-dir=/elsewhere", "--full-refresh", "-t"])
def test_a_selection_cannot_be_an_option_of_dbt(tmp_path: Path, option: str) -> None:
    """Over HTTP, a selection is untrusted text: as an option it could name another project."""
    ran = tmp_path / "ran"
    program = tmp_path / "dbt"
    program.write_text(f'#!/bin/sh\necho "$@" >> {ran}\nexit 2\n')
    program.chmod(0o755)
    with pytest.raises(UsageError, match=f"{option} selects no table"):
        reconcile(["beers", option], dbt=program, profiles=tmp_path)
    assert not ran.exists()
    with pytest.raises(UsageError):
        reconcile(["beers"], dbt=program, profiles=tmp_path, target=option)
    assert f"--target={option}" in ran.read_text().split()


def test_a_name_that_selects_no_table_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(control.reconcile, "reconcile", lambda *_, **__: [])
    with pytest.raises(NotFoundError, match="dbt selects none for top_drinkrs"):
        CliRunner().invoke(command, ["top_drinkrs"], catch_exceptions=False)
    assert CliRunner().invoke(command, []).exit_code == 0


def test_sigterm_ends_dbt_too(tmp_path: Path) -> None:
    dbt, folder = tmp_path / "dbt", tmp_path / "tmp"
    folder.mkdir()
    dbt.write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid\nexec sleep 60\n"
    )
    dbt.chmod(0o755)
    code = f"import sys; sys.executable = {str(tmp_path / 'python')!r}\n"
    code += "from control.cli.reconcile import command; command(['x'])"
    with subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(folder)}) as running:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        running.terminate()
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 9)
    assert list(folder.iterdir()) == []
