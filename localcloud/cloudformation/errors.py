"""Errors of the local CloudFormation, with AWS's codes."""


class CloudFormationError(Exception):
    """Base of the errors that CloudFormation answers."""

    code = "InternalFailure"
    status = 500


class ValidationError(CloudFormationError):
    """The request, the template or the stack's state does not allow the operation."""

    code = "ValidationError"
    status = 400


class ChangeSetNotFoundError(CloudFormationError):
    """There is no change set of that name."""

    code = "ChangeSetNotFound"
    status = 404


class UnsupportedError(Exception):
    """The local cloud lacks a type, property or attribute: it is named in the error, never ignored."""
