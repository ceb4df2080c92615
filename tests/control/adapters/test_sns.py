import json

import pytest

from control.adapters.aws import client
from control.adapters.sns import SnsTopic
from control.config import Settings
from control.errors import NotFoundError


def test_a_message_reaches_the_subscribers_of_the_topic(cloud: Settings) -> None:
    sns, sqs = client(cloud, "sns"), client(cloud, "sqs")
    topic = sns.create_topic(Name=f"{cloud.bucket}-alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName=f"{cloud.bucket}-alerts")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    SnsTopic(cloud, topic).publish("höp\n" * 60, "table review is blocked", "i1")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(message["Body"])
    assert (body["Message"], len(body["Subject"])) == ("table review is blocked", 100)
    assert body["MessageAttributes"]["incident"]["Value"] == "i1"


def test_a_missing_topic_is_reported(cloud: Settings) -> None:
    topic = SnsTopic(cloud, "arn:aws:sns:us-east-1:123456789012:none")
    with pytest.raises(NotFoundError, match="none"):
        topic.publish("s", "m", "i1")
