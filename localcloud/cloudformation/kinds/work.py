"""Functions and state machines."""

from typing import Any

from localcloud.cloudformation.errors import ValidationError
from localcloud.cloudformation.kinds.kind import Clients, Kind, Made, Properties, found, names

_SETTINGS = names(
    "Role Handler Runtime Description MemorySize Timeout EphemeralStorage KmsKeyArn Environment"
)


def _settings(properties: Properties) -> dict[str, Any]:
    request = {key: properties[key] for key in sorted(_SETTINGS & properties.keys())}
    for key in ("MemorySize", "Timeout"):
        request[key] = int(request[key])
    if "EphemeralStorage" in request:
        request["EphemeralStorage"] = {"Size": int(request["EphemeralStorage"]["Size"])}
    if "Environment" in request:
        variables = {key: str(value) for key, value in request["Environment"]["Variables"].items()}
        request["Environment"] = {"Variables": variables}
    request["KMSKeyArn"] = request.pop("KmsKeyArn")
    return request


def _create_function(clients: Clients, properties: Properties) -> Made:
    functions, name = clients("lambda"), properties["FunctionName"]
    _check_code(clients, properties)
    arn = functions.create_function(
        FunctionName=name,
        Architectures=properties["Architectures"],
        Code=properties["Code"],
        **_settings(properties),
    )["FunctionArn"]
    _reserve(clients, name, properties)
    return Made(name, {"Arn": arn})


def _update_function(clients: Clients, name: str, properties: Properties) -> None:
    functions = clients("lambda")
    _check_code(clients, properties)
    if _read_function(clients, name) is None:  # functions are lost when the local cloud stops
        _create_function(clients, properties)
        return
    functions.update_function_configuration(FunctionName=name, **_settings(properties))
    functions.update_function_code(FunctionName=name, **properties["Code"])
    _reserve(clients, name, properties)


def _check_code(clients: Clients, properties: Properties) -> None:
    """Raise ValidationError if the archive does not exist, as on AWS; moto would create the function."""
    code = properties["Code"]
    if found(clients("s3").head_object, Bucket=code["S3Bucket"], Key=code["S3Key"]) is None:
        raise ValidationError(
            f"S3 Error Code: NoSuchKey. {code['S3Key']} does not exist in {code['S3Bucket']}"
        )


def _reserve(clients: Clients, name: str, properties: Properties) -> None:
    if "ReservedConcurrentExecutions" in properties:
        clients("lambda").put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=int(properties["ReservedConcurrentExecutions"])
        )


def _read_function(clients: Clients, name: str) -> dict[str, Any] | None:
    answer = found(clients("lambda").get_function, FunctionName=name)
    if answer is None:
        return None
    found_configuration = answer["Configuration"]
    read = {
        key: found_configuration.get(key) for key in ("Handler", "Runtime", "MemorySize", "Timeout", "Role")
    }
    return {**read, "Environment": found_configuration.get("Environment")}


def _delete_function(clients: Clients, name: str) -> None:
    clients("lambda").delete_function(FunctionName=name)


def _mapping(properties: Properties) -> dict[str, Any]:
    scaling = {key: int(value) for key, value in properties.get("ScalingConfig", {}).items()}
    given: dict[str, Any] = {"ScalingConfig": scaling} if scaling else {}
    return {
        "FunctionName": properties["FunctionName"],
        "BatchSize": int(properties["BatchSize"]),
        "FunctionResponseTypes": properties["FunctionResponseTypes"],
        **given,
    }


def _create_mapping(clients: Clients, properties: Properties) -> Made:
    made = clients("lambda").create_event_source_mapping(
        EventSourceArn=properties["EventSourceArn"], **_mapping(properties)
    )
    return Made(made["UUID"], {"Id": made["UUID"]})


def _update_mapping(clients: Clients, uuid: str, properties: Properties) -> None:
    clients("lambda").update_event_source_mapping(UUID=uuid, **_mapping(properties))


def _read_mapping(clients: Clients, uuid: str) -> dict[str, Any] | None:
    answer = found(clients("lambda").get_event_source_mapping, UUID=uuid)
    return None if answer is None else {"BatchSize": answer["BatchSize"]}


def _delete_mapping(clients: Clients, uuid: str) -> None:
    clients("lambda").delete_event_source_mapping(UUID=uuid)


def _create_machine(clients: Clients, properties: Properties) -> Made:
    arn = clients("stepfunctions").create_state_machine(
        name=properties["StateMachineName"],
        type=properties["StateMachineType"],
        definition=properties["DefinitionString"],
        roleArn=properties["RoleArn"],
    )["stateMachineArn"]
    return Made(arn, {"Arn": arn, "Name": properties["StateMachineName"]})


def _update_machine(clients: Clients, arn: str, properties: Properties) -> None:
    clients("stepfunctions").update_state_machine(
        stateMachineArn=arn, definition=properties["DefinitionString"], roleArn=properties["RoleArn"]
    )


def _read_machine(clients: Clients, arn: str) -> dict[str, Any] | None:
    answer = found(clients("stepfunctions").describe_state_machine, stateMachineArn=arn)
    if answer is None:
        return None
    return {"DefinitionString": answer["definition"], "RoleArn": answer["roleArn"]}


def _delete_machine(clients: Clients, arn: str) -> None:
    clients("stepfunctions").delete_state_machine(stateMachineArn=arn)


KINDS = {
    "AWS::Lambda::Function": Kind(
        _SETTINGS | names("FunctionName Architectures Code ReservedConcurrentExecutions"),
        _create_function,
        _delete_function,
        _update_function,
        _read_function,
        names("FunctionName"),
    ),
    "AWS::Lambda::EventSourceMapping": Kind(
        names("EventSourceArn FunctionName BatchSize FunctionResponseTypes ScalingConfig"),
        _create_mapping,
        _delete_mapping,
        _update_mapping,
        _read_mapping,
        names("EventSourceArn"),
    ),
    "AWS::StepFunctions::StateMachine": Kind(
        names(
            "StateMachineName StateMachineType RoleArn LoggingConfiguration TracingConfiguration"
            " DefinitionString"
        ),
        _create_machine,
        _delete_machine,
        _update_machine,
        _read_machine,
        names("StateMachineName StateMachineType"),
    ),
}
