"""Have dbt write what lineage reads into a separate folder: the last build's artefacts stay as they are."""

import subprocess
from pathlib import Path

from control.errors import UpstreamError, UsageError

# The catalog has the columns of every relation, the manifest the SQL of every model as in a full refresh:
# without the filter for new rows and the comparison with existing rows, which are not origins of a column.
_COMMANDS = (("docs", "generate", "--static"), ("compile", "--full-refresh"))


def write(folder: Path, *, dbt: Path, profiles: Path) -> None:
    """Write manifest.json, catalog.json and dbt's own docs into `folder`.

    The parse results of a build, in the parent folder, are reused where nothing has changed. Raises
    UsageError when dbt is missing or refuses the project or the profile, UpstreamError when a model cannot
    be compiled or a relation cannot be read.
    """
    options = ["--profiles-dir", str(profiles), "--target-path", str(folder)]
    options += ["--log-path", str(folder / "logs")]
    parsed = folder.parent / "partial_parse.msgpack"
    options += ["--partial-parse-file-path", str(parsed)] if parsed.exists() else []
    for command in _COMMANDS:
        try:
            done = subprocess.run(
                [str(dbt), "--quiet", "--no-use-colors", *command, *options],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise UsageError(f"{dbt} does not exist", hint="make setup installs dbt") from None
        if done.returncode:
            output = " ".join((done.stdout + done.stderr).split()) or "it printed nothing"
            error = UsageError if done.returncode == 2 else UpstreamError
            raise error(
                f"dbt {' '.join(command)} failed: {output}",
                hint="dbt build first: lineage needs every table to exist",
            )
