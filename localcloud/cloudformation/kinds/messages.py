"""Queues, topics, rules, alarms and log groups."""

import json
from typing import Any

from localcloud.cloudformation.kinds.kind import Clients, Kind, Made, Properties, found, names

_QUEUE_ATTRIBUTES = names("KmsMasterKeyId MessageRetentionPeriod VisibilityTimeout RedrivePolicy")


def _create_queue(clients: Clients, properties: Properties) -> Made:
    sqs = clients("sqs")
    url = sqs.create_queue(QueueName=properties["QueueName"], Attributes=_attributes(properties))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Made(url, {"Arn": arn, "QueueName": properties["QueueName"], "QueueUrl": url})


def _attributes(properties: Properties) -> dict[str, str]:
    return {
        key: json.dumps(properties[key]) if isinstance(properties[key], dict) else str(properties[key])
        for key in sorted(_QUEUE_ATTRIBUTES & properties.keys())
    }


def _update_queue(clients: Clients, url: str, properties: Properties) -> None:
    clients("sqs").set_queue_attributes(QueueUrl=url, Attributes=_attributes(properties))


def _read_queue(clients: Clients, url: str) -> dict[str, Any] | None:
    answer = found(clients("sqs").get_queue_attributes, QueueUrl=url, AttributeNames=["All"])
    if answer is None:
        return None
    attributes = answer["Attributes"]
    read: dict[str, Any] = {
        key: attributes.get(key) for key in ("MessageRetentionPeriod", "VisibilityTimeout")
    }
    if "RedrivePolicy" in attributes:
        read["RedrivePolicy"] = json.loads(attributes["RedrivePolicy"])
    return read


def _delete_queue(clients: Clients, url: str) -> None:
    clients("sqs").delete_queue(QueueUrl=url)


def _put_queue_policy(clients: Clients, properties: Properties) -> Made:
    for url in properties["Queues"]:
        policy = {"Policy": json.dumps(properties["PolicyDocument"])}
        clients("sqs").set_queue_attributes(QueueUrl=url, Attributes=policy)
    return Made(" ".join(properties["Queues"]), {})


def _delete_queue_policy(clients: Clients, physical: str) -> None:
    for url in physical.split():
        found(clients("sqs").set_queue_attributes, QueueUrl=url, Attributes={"Policy": ""})


def _create_topic(clients: Clients, properties: Properties) -> Made:
    arn = clients("sns").create_topic(
        Name=properties["TopicName"], Attributes={"KmsMasterKeyId": properties["KmsMasterKeyId"]}
    )["TopicArn"]
    return Made(arn, {"TopicArn": arn, "TopicName": properties["TopicName"]})


def _update_topic(clients: Clients, arn: str, properties: Properties) -> None:
    clients("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=properties["KmsMasterKeyId"]
    )


def _read_topic(clients: Clients, arn: str) -> dict[str, Any] | None:
    answer = found(clients("sns").get_topic_attributes, TopicArn=arn)
    return None if answer is None else {"KmsMasterKeyId": answer["Attributes"].get("KmsMasterKeyId")}


def _delete_topic(clients: Clients, arn: str) -> None:
    clients("sns").delete_topic(TopicArn=arn)


def _put_topic_policy(clients: Clients, properties: Properties) -> Made:
    for arn in properties["Topics"]:
        clients("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(properties["PolicyDocument"])
        )
    return Made(" ".join(properties["Topics"]), {})


def _create_subscription(clients: Clients, properties: Properties) -> Made:
    arn = clients("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Made(arn, {"Arn": arn})


def _delete_subscription(clients: Clients, arn: str) -> None:
    clients("sns").unsubscribe(SubscriptionArn=arn)


def _put_rule(clients: Clients, properties: Properties) -> Made:
    events, name = clients("events"), properties["Name"]
    request = {
        key: properties[key] for key in ("Description", "ScheduleExpression", "State") if key in properties
    }
    if "EventPattern" in properties:
        request["EventPattern"] = json.dumps(properties["EventPattern"])
    arn = events.put_rule(Name=name, **request)["RuleArn"]
    targets = {one["Id"]: dict(one) for one in properties.get("Targets", ())}
    there = {one["Id"] for one in events.list_targets_by_rule(Rule=name)["Targets"]}
    if targets:
        events.put_targets(Rule=name, Targets=list(targets.values()))
    if gone := sorted(there - targets.keys()):
        events.remove_targets(Rule=name, Ids=gone)
    return Made(name, {"Arn": arn})


def _read_rule(clients: Clients, name: str) -> dict[str, Any] | None:
    events = clients("events")
    answer = found(events.describe_rule, Name=name)
    if answer is None:
        return None
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    read: dict[str, Any] = {"State": answer["State"], "Targets": targets}
    if answer.get("EventPattern"):
        read["EventPattern"] = json.loads(answer["EventPattern"])
    if answer.get("ScheduleExpression"):
        read["ScheduleExpression"] = answer["ScheduleExpression"]
    return read


def _delete_rule(clients: Clients, name: str) -> None:
    events = clients("events")
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    if targets:
        events.remove_targets(Rule=name, Ids=[one["Id"] for one in targets])
    events.delete_rule(Name=name)


_ALARM = names(
    "AlarmName AlarmDescription Namespace MetricName Dimensions Statistic Period EvaluationPeriods Threshold"
    " ComparisonOperator TreatMissingData AlarmActions Metrics DatapointsToAlarm"
)


def _put_alarm(clients: Clients, properties: Properties) -> Made:
    request = dict(properties)
    for key in {"Period", "EvaluationPeriods", "DatapointsToAlarm"} & request.keys():
        request[key] = int(request[key])
    clients("cloudwatch").put_metric_alarm(**{**request, "Threshold": float(request["Threshold"])})
    return Made(properties["AlarmName"], {})


def _read_alarm(clients: Clients, name: str) -> dict[str, Any] | None:
    alarms = clients("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return {key: alarms[0].get(key) for key in _ALARM - {"AlarmName"}} if alarms else None


def _delete_alarm(clients: Clients, name: str) -> None:
    clients("cloudwatch").delete_alarms(AlarmNames=[name])


def _create_log(clients: Clients, properties: Properties) -> Made:
    logs, name = clients("logs"), properties["LogGroupName"]
    logs.create_log_group(logGroupName=name, kmsKeyId=properties["KmsKeyId"])
    _update_log(clients, name, properties)
    return Made(name, {"Arn": f"{_log(clients, name)['arn'].removesuffix(':*')}:*"})


def _update_log(clients: Clients, name: str, properties: Properties) -> None:
    clients("logs").put_retention_policy(
        logGroupName=name, retentionInDays=int(properties["RetentionInDays"])
    )


def _log(clients: Clients, name: str) -> dict[str, Any]:
    groups = clients("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return next((one for one in groups if one["logGroupName"] == name), {})


def _read_log(clients: Clients, name: str) -> dict[str, Any] | None:
    group = _log(clients, name)
    return {"RetentionInDays": group.get("retentionInDays")} if group else None


def _delete_log(clients: Clients, name: str) -> None:
    clients("logs").delete_log_group(logGroupName=name)


KINDS = {
    "AWS::SQS::Queue": Kind(
        _QUEUE_ATTRIBUTES | {"QueueName"},
        _create_queue,
        _delete_queue,
        _update_queue,
        _read_queue,
        names("QueueName"),
    ),
    "AWS::SQS::QueuePolicy": Kind(
        names("Queues PolicyDocument"),
        _put_queue_policy,
        _delete_queue_policy,
        lambda clients, _physical, properties: _put_queue_policy(clients, properties),
    ),
    "AWS::SNS::Topic": Kind(
        names("TopicName KmsMasterKeyId"),
        _create_topic,
        _delete_topic,
        _update_topic,
        _read_topic,
        names("TopicName"),
    ),
    "AWS::SNS::TopicPolicy": Kind(
        names("Topics PolicyDocument"),
        _put_topic_policy,
        # It is deleted with its topic.
        lambda _clients, _physical: None,
        lambda clients, _physical, properties: _put_topic_policy(clients, properties),
    ),
    "AWS::SNS::Subscription": Kind(
        names("TopicArn Protocol Endpoint"),
        _create_subscription,
        _delete_subscription,
        lambda _clients, _physical, _properties: None,
        replaced_by=names("TopicArn Protocol Endpoint"),
    ),
    "AWS::Events::Rule": Kind(
        names("Name Description EventPattern ScheduleExpression State Targets"),
        _put_rule,
        _delete_rule,
        lambda clients, _physical, properties: _put_rule(clients, properties),
        _read_rule,
        names("Name"),
    ),
    "AWS::CloudWatch::Alarm": Kind(
        _ALARM,
        _put_alarm,
        _delete_alarm,
        lambda clients, _physical, properties: _put_alarm(clients, properties),
        _read_alarm,
        names("AlarmName"),
    ),
    "AWS::Logs::LogGroup": Kind(
        names("LogGroupName RetentionInDays KmsKeyId"),
        _create_log,
        _delete_log,
        _update_log,
        _read_log,
        names("LogGroupName"),
    ),
}
