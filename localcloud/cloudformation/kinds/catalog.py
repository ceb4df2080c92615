"""Databases, workgroups, and tags and grants of Lake Formation."""

import json
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloudformation.kinds.kind import Clients, Kind, Made, Properties, found, names


def _create_database(clients: Clients, properties: Properties) -> Made:
    clients("glue").create_database(DatabaseInput=properties["DatabaseInput"])
    return Made(properties["DatabaseInput"]["Name"], {})


def _adopt_database(clients: Clients, properties: Properties) -> Made | None:
    name = properties["DatabaseInput"]["Name"]
    if found(clients("glue").get_database, Name=name) is None:
        return None
    _update_database(clients, name, properties)
    return Made(name, {})


def _update_database(clients: Clients, name: str, properties: Properties) -> None:
    clients("glue").update_database(Name=name, DatabaseInput=properties["DatabaseInput"])


def _read_database(clients: Clients, name: str) -> dict[str, Any] | None:
    answer = found(clients("glue").get_database, Name=name)
    if answer is None:
        return None
    database = answer["Database"]
    return {"DatabaseInput": {key: database[key] for key in ("Name", "Description") if key in database}}


def _delete_database(clients: Clients, name: str) -> None:
    clients("glue").delete_database(Name=name)


def _create_workgroup(clients: Clients, properties: Properties) -> Made:
    clients("athena").create_work_group(
        Name=properties["Name"],
        Description=properties.get("Description", ""),
        Configuration=properties["WorkGroupConfiguration"],
    )
    return Made(properties["Name"], {})


def _update_workgroup(clients: Clients, name: str, properties: Properties) -> None:
    """Change the settings but keep the workgroup's contents, as on AWS; unstated settings are removed."""
    given = dict(properties["WorkGroupConfiguration"])
    result = given.pop("ResultConfiguration", {})
    changes: dict[str, Any] = {key: given[key] for key in _SETTINGS if key in given}
    changes |= {} if _LIMIT in given else {f"Remove{_LIMIT}": True}
    place = result.get("OutputLocation")
    changes["ResultConfigurationUpdates"] = (
        {"OutputLocation": place} if place else {"RemoveOutputLocation": True}
    )
    clients("athena").update_work_group(
        WorkGroup=name, Description=properties.get("Description", ""), ConfigurationUpdates=changes
    )


_LIMIT = "BytesScannedCutoffPerQuery"
_SETTINGS = ("EnforceWorkGroupConfiguration", _LIMIT)


def _read_workgroup(clients: Clients, name: str) -> dict[str, Any] | None:
    answer = found(clients("athena").get_work_group, WorkGroup=name)
    return None if answer is None else {"Description": answer["WorkGroup"].get("Description", "")}


def _delete_workgroup(clients: Clients, name: str) -> None:
    clients("athena").delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)


def _create_tag(clients: Clients, properties: Properties) -> Made:
    clients("lakeformation").create_lf_tag(TagKey=properties["TagKey"], TagValues=properties["TagValues"])
    return Made(properties["TagKey"], {})


def _update_tag(clients: Clients, key: str, properties: Properties) -> None:
    known = set(clients("lakeformation").get_lf_tag(TagKey=key)["TagValues"])
    wanted = set(properties["TagValues"])
    changes: dict[str, list[str]] = {}
    if wanted - known:
        changes["TagValuesToAdd"] = sorted(wanted - known)
    if known - wanted:
        changes["TagValuesToDelete"] = sorted(known - wanted)
    if changes:
        clients("lakeformation").update_lf_tag(TagKey=key, **changes)


def _read_tag(clients: Clients, key: str) -> dict[str, Any] | None:
    answer = found(clients("lakeformation").get_lf_tag, TagKey=key)
    return None if answer is None else {"TagValues": answer["TagValues"]}


def _delete_tag(clients: Clients, key: str) -> None:
    clients("lakeformation").delete_lf_tag(TagKey=key)


def _create_association(clients: Clients, properties: Properties) -> Made:
    clients("lakeformation").add_lf_tags_to_resource(
        Resource=properties["Resource"], LFTags=properties["LFTags"]
    )
    return Made(json.dumps(dict(properties), sort_keys=True), {})


def _delete_association(clients: Clients, physical: str) -> None:
    properties = json.loads(physical)
    clients("lakeformation").remove_lf_tags_from_resource(
        Resource=properties["Resource"], LFTags=properties["LFTags"]
    )


def _grant(clients: Clients, properties: Properties) -> Made:
    clients("lakeformation").grant_permissions(**_permission(properties))
    return Made(json.dumps(dict(properties), sort_keys=True), {})


def _revoke(clients: Clients, physical: str) -> None:
    try:
        clients("lakeformation").revoke_permissions(**_permission(json.loads(physical)))
    except ClientError as error:
        # The permission is already revoked.
        if error.response["Error"]["Code"] != "InvalidInputException":
            raise


def _permission(properties: Properties) -> dict[str, Any]:
    keys = ("Principal", "Resource", "Permissions", "PermissionsWithGrantOption")
    return {key: properties[key] for key in keys if properties.get(key)}


def _nothing(_clients: Clients, _physical: str, _properties: Properties) -> None:
    return None


KINDS = {
    "AWS::Glue::Database": Kind(
        names("CatalogId DatabaseInput"),
        _create_database,
        _delete_database,
        _update_database,
        _read_database,
        names("CatalogId"),
        _adopt_database,
    ),
    "AWS::Athena::WorkGroup": Kind(
        names("Name Description RecursiveDeleteOption WorkGroupConfiguration"),
        _create_workgroup,
        _delete_workgroup,
        _update_workgroup,
        _read_workgroup,
        names("Name"),
    ),
    "AWS::LakeFormation::Tag": Kind(
        names("CatalogId TagKey TagValues"), _create_tag, _delete_tag, _update_tag, _read_tag, names("TagKey")
    ),
    "AWS::LakeFormation::TagAssociation": Kind(
        names("Resource LFTags"),
        _create_association,
        _delete_association,
        _nothing,
        replaced_by=names("Resource LFTags"),
    ),
    "AWS::LakeFormation::PrincipalPermissions": Kind(
        names("Principal Resource Permissions PermissionsWithGrantOption"),
        _grant,
        _revoke,
        _nothing,
        replaced_by=names("Principal Resource Permissions PermissionsWithGrantOption"),
    ),
}
