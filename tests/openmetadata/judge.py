"""Check requests and workflows against the models of OpenMetadata's own client. It runs in `.venv-om`.

Reads JSON from stdin: {"calls": [[method, path, body], …], "workflows": [path, …]}. Writes {"judged": N,
"problems": […]}. The client's models ignore unknown keys in places, so a key that they drop is a problem,
too.
"""

import json
import sys
from pathlib import Path
from typing import Any

from metadata.config.common import load_config_file
from metadata.generated.schema.api.classification.createClassification import CreateClassificationRequest
from metadata.generated.schema.api.classification.createTag import CreateTagRequest
from metadata.generated.schema.api.data.createContainer import CreateContainerRequest
from metadata.generated.schema.api.data.createDashboard import CreateDashboardRequest
from metadata.generated.schema.api.data.createDatabase import CreateDatabaseRequest
from metadata.generated.schema.api.data.createDatabaseSchema import CreateDatabaseSchemaRequest
from metadata.generated.schema.api.data.createDataContract import CreateDataContractRequest
from metadata.generated.schema.api.data.createGlossary import CreateGlossaryRequest
from metadata.generated.schema.api.data.createGlossaryTerm import CreateGlossaryTermRequest
from metadata.generated.schema.api.data.createTable import CreateTableRequest
from metadata.generated.schema.api.domains.createDataProduct import CreateDataProductRequest
from metadata.generated.schema.api.domains.createDomain import CreateDomainRequest
from metadata.generated.schema.api.lineage.addLineage import AddLineageRequest
from metadata.generated.schema.api.services.createDashboardService import CreateDashboardServiceRequest
from metadata.generated.schema.api.services.createDatabaseService import CreateDatabaseServiceRequest
from metadata.generated.schema.api.services.createStorageService import CreateStorageServiceRequest
from metadata.generated.schema.api.teams.createTeam import CreateTeamRequest
from metadata.generated.schema.api.tests.createTestCase import CreateTestCaseRequest
from metadata.generated.schema.api.tests.createTestCaseResult import CreateTestCaseResult
from metadata.generated.schema.api.tests.createTestDefinition import CreateTestDefinitionRequest
from metadata.generated.schema.entity.data.container import Container
from metadata.generated.schema.entity.data.dataContract import DataContract
from metadata.generated.schema.entity.data.table import Column, Table
from metadata.ingestion.api.parser import parse_workflow_config_gracefully
from metadata.ingestion.ometa.routes import ROUTES
from pydantic import TypeAdapter, ValidationError

REQUESTS = (
    AddLineageRequest, CreateClassificationRequest, CreateContainerRequest, CreateDashboardRequest,
    CreateDashboardServiceRequest, CreateDataContractRequest, CreateDataProductRequest, CreateDatabaseRequest,
    CreateDatabaseSchemaRequest, CreateDatabaseServiceRequest, CreateDomainRequest, CreateGlossaryRequest,
    CreateGlossaryTermRequest, CreateStorageServiceRequest, CreateTableRequest, CreateTagRequest,
    CreateTeamRequest, CreateTestCaseRequest, CreateTestDefinitionRequest,
)  # fmt: skip
BY_ROUTE = {ROUTES[model.__name__].strip("/"): model for model in REQUESTS}
PATCHED = {"tables": Table, "containers": Container, "dataContracts": DataContract}


def problems_of(method: str, path: str, body: Any) -> list[str]:
    """Return what the client's models reject in one request."""
    try:
        if method == "PATCH":
            entity = PATCHED[path.split("/")[0]]
            return [found for one in body for found in _operation(entity, one)]
        if method == "POST":
            return _dropped(CreateTestCaseResult.model_validate(body), body, path)
        if method == "PUT":
            return _dropped(BY_ROUTE[path].model_validate(body), body, path)
    except (ValidationError, KeyError) as error:
        return [f"{method} {path}: {error}"]
    return []


def _operation(entity: type, operation: dict[str, Any]) -> list[str]:
    """Check that the value fits the field that the path leads to."""
    model = entity
    steps = [step for step in operation["path"].strip("/").split("/") if not step.isdecimal()]
    for step in steps[:-1]:
        model = Column if step in ("columns", "children") else model
    field = next(f for name, f in model.model_fields.items() if steps[-1] in (name, f.alias))
    found = TypeAdapter(field.annotation).validate_python(operation["value"])
    return _dropped(found, operation["value"], operation["path"], TypeAdapter(field.annotation))


def _dropped(found: Any, sent: Any, where: str, adapter: TypeAdapter[Any] | None = None) -> list[str]:
    """Return the keys that were sent and that the model does not know."""
    plain = adapter.dump_python(found, mode="json", by_alias=True, exclude_unset=True) if adapter else None
    if plain is None:
        plain = found.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return list(_missing(sent, plain, where))


def _missing(sent: Any, kept: Any, where: str) -> Any:
    if isinstance(sent, dict):
        for key, value in sent.items():
            if not isinstance(kept, dict) or key not in kept:
                yield f"{where}: {key} is no key"
            else:
                yield from _missing(value, kept[key], f"{where}.{key}")
    elif isinstance(sent, list):
        for one, other in zip(sent, kept or [], strict=True):
            yield from _missing(one, other, where)


def main() -> None:
    """Judge what stdin holds."""
    asked = json.load(sys.stdin)
    problems = [found for call in asked["calls"] for found in problems_of(*call)]
    for path in asked["workflows"]:
        try:
            parse_workflow_config_gracefully(load_config_file(Path(path)))
        except Exception as error:
            problems.append(f"{path}: {type(error).__name__}: {error}")
    json.dump({"judged": len(asked["calls"]) + len(asked["workflows"]), "problems": problems}, sys.stdout)


if __name__ == "__main__":
    main()
