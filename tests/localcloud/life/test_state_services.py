"""The services around the lake are the same after `down` and `up`, as far as each client can see."""

import json

ROLE = "arn:aws:iam::123456789012:role/role"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
TEMPLATE = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "of-stack"}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "of-stack"}},
    }
}


def fill_messages(client):
    sqs, sns, events = client("sqs"), client("sns"), client("events")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    for body in ("taken", "waiting"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.receive_message(QueueUrl=url)
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE, Attributes={"RawMessageDelivery": "true"})
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": QUEUE}])


def fill_accounts(client):
    iam, kms, secrets = client("iam"), client("kms"), client("secretsmanager")
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName="role", PolicyName="p", PolicyDocument=json.dumps(POLICY))
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/lake", TargetKeyId=key)
    signing = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["KeyId"]
    secrets.create_secret(Name="s", SecretString="first")
    secrets.put_secret_value(SecretId="s", SecretString="second")
    return kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"], signing


def fill_work(client):
    client("stepfunctions").create_state_machine(name="m", definition=json.dumps(MACHINE), roleArn=ROLE)
    client("cloudformation").create_stack(StackName="st", TemplateBody=json.dumps(TEMPLATE))
    emr = client("emr-serverless")
    application = emr.create_application(name="a", releaseLabel="emr-7.0.0", type="SPARK")["applicationId"]
    driver = {"sparkSubmit": {"entryPoint": "s3://lake/job.py"}}
    emr.start_job_run(applicationId=application, executionRoleArn=ROLE, jobDriver=driver)
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": 1_700_000_000_000, "message": "line"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    client("cloudwatch").put_metric_alarm(
        AlarmName="a",
        MetricName="m",
        Namespace="n",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        Threshold=1,
    )
    return application


def seen(client, cipher, signing, application):
    topic = client("sns").list_topics()["Topics"][0]["TopicArn"]
    url = client("sqs").get_queue_url(QueueName="q")["QueueUrl"]
    return {
        "queue": client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"],
        "topic": client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"],
        "rule": client("events").list_targets_by_rule(Rule="r")["Targets"],
        "role": client("iam").get_role(RoleName="role")["Role"],
        "policy": client("iam").get_role_policy(RoleName="role", PolicyName="p")["PolicyDocument"],
        "text": client("kms").decrypt(CiphertextBlob=cipher)["Plaintext"],
        "public": client("kms").get_public_key(KeyId=signing)["PublicKey"],
        "aliases": client("kms").list_aliases()["Aliases"],
        "secret": client("secretsmanager").get_secret_value(SecretId="s")["SecretString"],
        "machine": client("stepfunctions").list_state_machines()["stateMachines"],
        "stack": client("cloudformation").describe_stack_resources(StackName="st")["StackResources"],
        "runs": client("emr-serverless").list_job_runs(applicationId=application)["jobRuns"],
        "log": client("logs").get_log_events(logGroupName="g", logStreamName="s")["events"],
        "alarm": client("cloudwatch").describe_alarms()["MetricAlarms"],
    }


def test_the_services_around_the_lake_are_restored_and_still_work_together(cloud):
    cloud.up(save_every=0)
    fill_messages(cloud.client)
    cipher, signing = fill_accounts(cloud.client)
    application = fill_work(cloud.client)
    before = seen(cloud.client, cipher, signing, application)
    assert cloud.down().left_out == ()
    cloud.up(save_every=0)
    assert seen(cloud.client, cipher, signing, application) == before

    sqs, kms = cloud.client("sqs"), cloud.client("kms")
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]

    def receive():
        (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
        return message["Body"]

    assert receive() == "waiting"
    topic = cloud.client("sns").list_topics()["Topics"][0]["TopicArn"]
    cloud.client("sns").publish(TopicArn=topic, Message="published")
    assert receive() == "published"
    cloud.client("events").put_events(Entries=[{"Source": "shop", "DetailType": "d", "Detail": "{}"}])
    assert json.loads(receive())["source"] == "shop"
    signed = kms.sign(KeyId=signing, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    assert kms.verify(KeyId=signing, Message=b"m", Signature=signed, SigningAlgorithm="ECDSA_SHA_256")[
        "SignatureValid"
    ]
    stacks = cloud.client("cloudformation")
    stacks.delete_stack(StackName="st")
    # As on AWS, the deletion happens in the background.
    stacks.get_waiter("stack_delete_complete").wait(
        StackName="st", WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    assert "of-stack" not in [one["Name"] for one in cloud.client("s3").list_buckets()["Buckets"]]


def test_down_names_the_used_services_that_are_not_persisted(cloud):
    cloud.up()
    cloud.client("ssm").put_parameter(Name="p", Value="v", Type="String")
    cloud.client("sqs").create_queue(QueueName="q")
    cloud.client("sts").get_caller_identity()
    assert cloud.down().left_out == ("ssm",)
