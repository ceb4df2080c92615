"""Refusals of the local CloudFormation, with AWS's codes."""


class CloudFormationError(Exception):
    """Base of what CloudFormation answers instead of doing it."""

    code = "InternalFailure"
    status = 500


class ValidationError(CloudFormationError):
    """A request, template or state does not allow it."""

    code = "ValidationError"
    status = 400


class ChangeSetNotFoundError(CloudFormationError):
    """There is no change set of that name."""

    code = "ChangeSetNotFound"
    status = 404


class UnsupportedError(Exception):
    """The local cloud does not have a type, property or attribute: said by name, never passed over."""
