"""A separate project on the local cloud whose stacks a test applies."""

import itertools
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from control.adapters.cloudformation import CloudFormation
from control.config import Settings
from control.deploy import apply, order, packages, parameters, template
from control.deploy.apply import Environment

INFRA = Path(__file__).parents[3] / "infra"
ACCOUNT = "123456789012"
_projects = (f"p{number}" for number in itertools.count())


class QuickClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(0.3)


@dataclass(frozen=True)
class Account:
    """A separate project in the local cloud."""

    environment: Environment
    stacks: CloudFormation
    client: Callable[[str], Any]
    settings: Settings
    archive: packages.Package

    @property
    def lake(self) -> str:
        return f"{self.environment.values['Project']}-dev-lake-{ACCOUNT}"

    def narrowed(self, *names: str, **values: str) -> "Account":
        chosen = order.with_needs(names, self.environment.templates)
        values = {**self.environment.values, **values}
        return replace(self, environment=replace(self.environment, chosen=chosen, values=values))

    def apply(self, *, upload: bool = True, **options: Any) -> tuple[str, ...]:
        def before(name: str) -> None:
            if name == "control" and upload:
                bucket = f"{self.environment.values['Project']}-dev-code-{ACCOUNT}"
                for key, content in self.archive.objects.items():
                    self.client("s3").put_object(Bucket=bucket, Key=key, Body=content)

        say = options.pop("say", lambda *_: None)
        return apply.apply(self.environment, self.stacks, QuickClock(), say, before=before, **options)

    def destroy(self, *, with_data: bool) -> tuple[str, ...]:
        removals = list(apply.removals(self.environment, self.stacks, with_data=with_data))
        return apply.destroy(
            removals, self.environment, self.stacks, QuickClock(), lambda *_: None, with_data=with_data
        )

    def drifted(self, name: str) -> dict[str, tuple[str, list[str]]]:
        found = self.stacks.drift(self.environment.stack_name(name))
        return {one.logical: (one.status, [path for path, _, _ in one.differences]) for one in found}


def new_account(endpoint: str, folder: Path) -> Account:
    """Create a project with a unique name; its archive, which cannot run, goes into `folder`."""
    project = next(_projects)
    with zipfile.ZipFile(folder / "control.zip", "w") as archive:
        archive.writestr("control/handlers.py", project)
    stub = packages.control(folder / "control.zip")
    templates = template.read(INFRA / "templates")
    values = parameters.of_environment(INFRA, "dev") | {
        "Project": project,
        "SchemaPrefix": f"{project}_",
        "ProjectCodeKey": f"project/{'0' * 64}.zip",
        "SparkCodePrefix": f"spark/{'0' * 64}",
        "SparkRuntimeKey": f"spark/runtime-{'0' * 64}.tar.gz",
        stub.parameter: stub.value,
    }
    parameters.judge(values, parameters.declared(templates))
    settings = Settings(endpoint=endpoint, region="us-east-1")

    def client(service: str) -> Any:
        return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1")

    environment = Environment(templates, values, order.order(templates))
    return Account(environment, CloudFormation(settings, lambda _: None), client, settings, stub)
