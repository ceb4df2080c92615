"""Accept statements and run them: the layer between the API operations and the statements."""

import time
from dataclasses import dataclass, replace

from botocore.exceptions import ClientError

from localcloud.athena import result_files
from localcloud.athena.catalog import code_of
from localcloud.athena.errors import AthenaError, BytesLimitError, InvalidRequestError, ResourceNotFoundError
from localcloud.athena.model import Answer, Context
from localcloud.athena.objects import split
from localcloud.athena.queries import FINAL, Queries, Query, Request
from localcloud.athena.statements import kinds, names, parameters
from localcloud.athena.statements.execute import Parts, check, execute
from localcloud.athena.statements.nodes import Deallocate, Prepare, Refused
from localcloud.athena.statements.parse import Statement, parse
from localcloud.athena.workgroups import ENABLED, PreparedStatement, WorkGroup, WorkGroups

_DEFAULT_DATABASE = "default"
DENIED = {"AccessDenied", "AccessDeniedException", "403"}
_NO_OUTPUT = (
    "No output location provided. An output location is required either through the Workgroup result "
    "configuration setting or as an API input."
)


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a running gateway."""

    parts: Parts
    workgroups: WorkGroups
    queries: Queries

    def start(self, request: Request, token: str) -> Query:
        """Queue a statement. Raises InvalidRequestError for what Athena refuses to start.

        The checks come in Athena's order: workgroup, output location, syntax, token, existence.
        """
        group = self.workgroups.get(request.workgroup)
        if group.state != ENABLED:
            raise InvalidRequestError(f"WorkGroup {group.name} is disabled.")
        output = _output(request, group)
        statement = self._read(request)
        earlier = self.queries.known(token, request)
        if earlier is not None:
            return earlier
        self._check(statement, request)
        query = Query(request, statement.kind, "", token, group.most_bytes)
        query.location = result_files.location(output, query.id, statement.kind)
        return self.queries.submit(query, statement)

    def _check(self, statement: Statement, request: Request) -> None:
        """Check that what the statement names exists. If the caller may not look, the query fails later."""
        try:
            check(statement.node, self.parts.catalog, _context(request))
        except ClientError as error:
            if code_of(error) not in DENIED:
                raise

    def _read(self, request: Request) -> Statement:
        try:
            text, values = request.sql, request.parameters
            named = parameters.execute(text)
            if named is not None:
                text = self.workgroups.prepared(request.workgroup, named.name).sql
                values = named.values or values
            return parse(parameters.bind(text, values))
        except AthenaError as error:
            if error.code == "SYNTAX_ERROR":
                raise InvalidRequestError(error.text, code="MALFORMED_QUERY") from None
            # Everything else fails the query once it runs, as it does on Athena.
            return Statement(request.sql, Refused(error))


def create(parts: Parts, workgroups: WorkGroups | None = None) -> Service:
    """Return a service without queries."""
    workgroups = workgroups or WorkGroups()
    queries = Queries(lambda query, statement: run(query, statement, parts, workgroups), parts.engine.cancel)
    return Service(parts, workgroups, queries)


def run(query: Query, statement: Statement, parts: Parts, workgroups: WorkGroups) -> Answer:
    """Run a query, whose parsed form is `statement`, and write its result files. Raises AthenaError."""
    try:
        answer = _run(query, statement, parts, workgroups)
    except ClientError as error:
        raise _as_athena(error) from error
    except BytesLimitError:
        raise
    except AthenaError as error:
        result_files.write_failure(parts.catalog.s3, query.location, error)
        raise _with_advice(error, query) from None
    if query.state not in FINAL:
        query.manifest = result_files.write(parts.catalog.s3, query.location, answer, query.id)
    return answer


def _run(query: Query, statement: Statement, parts: Parts, workgroups: WorkGroups) -> Answer:
    node, group = statement.node, query.request.workgroup
    if isinstance(node, Refused):
        raise node.error
    if isinstance(node, Prepare):
        prepared = PreparedStatement(node.name, node.sql, modified=time.time())
        workgroups.prepare(group, prepared, replace=False)
        return names.done(node.kind)
    if isinstance(node, Deallocate):
        try:
            workgroups.deallocate(group, node.name)
        except ResourceNotFoundError as error:
            raise AthenaError("NOT_FOUND", str(error)) from None
        return names.done(node.kind)
    context = replace(
        _context(query.request),
        query_id=query.id,
        location=query.location,
        most_bytes=query.most_bytes,
    )
    return execute(node, parts, context)


def _context(request: Request) -> Context:
    catalog = (request.catalog or "awsdatacatalog").lower()
    # awswrangler puts the database of its DDL in backquotes.
    return Context((request.database or "").strip("`") or _DEFAULT_DATABASE, catalog=catalog)


def _output(request: Request, group: WorkGroup) -> str:
    output = group.output if group.enforced and group.output else request.output or group.output
    if not output:
        raise InvalidRequestError(_NO_OUTPUT)
    try:
        split(output)
    except AthenaError:
        raise InvalidRequestError("outputLocation is not a valid S3 path.") from None
    return output


def _with_advice(error: AthenaError, query: Query) -> AthenaError:
    """Add to the error of a failed CTAS where data may be left behind."""
    if query.kind != kinds.CREATE_TABLE_AS_SELECT:
        return error
    advice = (
        f"You may need to manually clean the data at location '{query.location}' before retrying. "
        "Athena will not delete data in your account."
    )
    return AthenaError(
        error.code,
        f"{error.text.rstrip('.')}. {advice}",
        category=error.category,
        error_type=error.error_type,
        retryable=error.retryable,
    )


def _as_athena(error: ClientError) -> AthenaError:
    code = code_of(error)
    if code in DENIED:
        text = error.response["Error"].get("Message", "")
        return AthenaError("PERMISSION_DENIED", f"Insufficient permissions to execute the query. {text}")
    if code == "NoSuchBucket":
        return AthenaError("S3_BUCKET_NOT_FOUND", f"Amazon S3 bucket not found: {error}")
    if "Throttl" in code or code == "TooManyRequestsException":
        return AthenaError("GLUE_THROTTLED", f"Query failed due to AWS Glue throttling: {error}")
    return AthenaError("GENERIC_INTERNAL_ERROR", str(error))
