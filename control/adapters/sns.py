"""Alerts to an SNS topic."""

from control.adapters.aws import client, translated
from control.config import Settings
from control.errors import NotFoundError

# The maximum length of an SNS subject.
SUBJECT_CHARACTERS = 100


class SnsTopic:
    """One SNS topic, by its ARN."""

    def __init__(self, settings: Settings, arn: str) -> None:
        self._arn, self._endpoint = arn, settings.endpoint
        self._client = client(settings, "sns")

    def publish(self, subject: str, message: str, incident: str) -> None:
        """See AlertTopic."""
        plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in subject)
        attribute = {"incident": {"DataType": "String", "StringValue": incident}}
        try:
            with translated(f"topic {self._arn}", self._endpoint):
                self._client.publish(
                    TopicArn=self._arn,
                    Subject=plain[:SUBJECT_CHARACTERS],
                    Message=message or subject,
                    MessageAttributes=attribute,
                )
        except NotFoundError as error:
            raise NotFoundError(
                f"{error.message}, so no alert was sent",
                hint="fix DM_ALERT_TOPIC: the next run sends the remaining alerts",
            ) from error
