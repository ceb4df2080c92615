"""Rows for the resources of the stacks `network` and `source`: what change capture and the parser need."""

import re
from pathlib import Path
from typing import Any

from needs import Parameter, Row, grants, taken_by
from rendered import ACCOUNT, PSEUDO

REGION = PSEUDO["AWS::Region"]
NAME = "beer-prod"
POSTGRESQL, HTTPS = 5432, 443
LAKE_KEY, CONTROL_KEY = "arn:LakeKey", "arn:ControlKey"
TABLES = sorted(path.stem for path in (Path(__file__).parents[2] / "contracts/bronze").glob("*.yaml"))


def within_the_network(block: str) -> bool:
    """a block within the network, of the same size as the others"""
    return bool(re.fullmatch(r"10\.42\.(0|16|32|48)\.0/20", block))


def every_table_with_a_contract(rules: list[dict[str, Any]]) -> bool:
    """one selection for each table that has a contract, in the shop's schema"""
    return (
        sorted(rule["object-locator"]["table-name"] for rule in rules) == TABLES
        and {rule["object-locator"]["schema-name"] for rule in rules} == {"public"}
        and {(rule["rule-type"], rule["rule-action"]) for rule in rules} == {("selection", "include")}
        and len({rule["rule-id"] for rule in rules})
        == len({rule["rule-name"] for rule in rules})
        == len(rules)
    )


def _subnet(zone: str) -> Row:
    return Row(
        {
            "/VpcId": "Network",
            "/CidrBlock": within_the_network,
            # Aurora and the endpoints need two zones.
            "/AvailabilityZone": f"{REGION}{zone}",
            "/MapPublicIpOnLaunch": False,
        }
    )


def _rule_between(direction: str, group: str, other: str, port: int) -> Row:
    """One direction of a connection between two security groups."""
    return Row(
        {
            "/GroupId": f"{group}.GroupId",
            f"/{direction}SecurityGroupId": f"{other}.GroupId",
            "/IpProtocol": "tcp",
            "/FromPort": port,
            "/ToPort": port,
        }
    )


def _endpoint(service: str) -> Row:
    """DMS can reach a service only through its endpoint, and uses its public name."""
    return Row(
        {
            "/VpcId": "Network",
            "/VpcEndpointType": "Interface",
            "/ServiceName": f"com.amazonaws.{REGION}.{service}",
            "/PrivateDnsEnabled": True,
            "/SubnetIds": ["SubnetA", "SubnetB"],
            "/SecurityGroupIds": ["EndpointGroup.GroupId"],
        }
    )


def _log_group(name: str) -> Row:
    """A log group that AWS would otherwise create by this name, without expiry and without our key."""
    return Row(
        {"/LogGroupName": name, "/RetentionInDays": Parameter("LogGroupDays"), "/KmsKeyId": CONTROL_KEY}
    )


NOWHERE = {"/SecurityGroupEgress/0/IpProtocol": "-1", "/SecurityGroupEgress/0/CidrIp": "127.0.0.1/32"}
NETWORK = {
    "Network": Row(
        # Private DNS names of endpoints need both.
        {"/CidrBlock": "10.42.0.0/16", "/EnableDnsSupport": True, "/EnableDnsHostnames": True}
    ),
    "SubnetA": _subnet("a"),
    "SubnetB": _subnet("b"),
    "Routes": Row({"/VpcId": "Network"}),
    "RoutesA": Row({"/SubnetId": "SubnetA", "/RouteTableId": "Routes"}),
    "RoutesB": Row({"/SubnetId": "SubnetB", "/RouteTableId": "Routes"}),
    "CaptureGroup": Row({"/VpcId": "Network"}),
    "SourceGroup": Row({"/VpcId": "Network", **NOWHERE}),
    "EndpointGroup": Row({"/VpcId": "Network", **NOWHERE}),
    "SourceFromCapture": _rule_between("Source", "SourceGroup", "CaptureGroup", POSTGRESQL),
    "CaptureToSource": _rule_between("Destination", "CaptureGroup", "SourceGroup", POSTGRESQL),
    "EndpointFromCapture": _rule_between("Source", "EndpointGroup", "CaptureGroup", HTTPS),
    "CaptureToEndpoint": _rule_between("Destination", "CaptureGroup", "EndpointGroup", HTTPS),
    "KinesisEndpoint": _endpoint("kinesis-streams"),
    "SecretsEndpoint": _endpoint("secretsmanager"),
    "FlowLogGroup": Row(
        {
            "/LogGroupName": f"/{NAME}/network",
            "/RetentionInDays": Parameter("LogGroupDays"),
            "/KmsKeyId": CONTROL_KEY,
        }
    ),
    "FlowLogRole": Row(
        {
            "/RoleName": f"{NAME}-flow-log",
            "/AssumeRolePolicyDocument/Statement": taken_by("vpc-flow-logs.amazonaws.com"),
            "/Policies/0/PolicyDocument/Statement": grants(
                dict.fromkeys(
                    ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
                    "arn:FlowLogGroup",
                )
            ),
        },
        free=("/Policies/0/PolicyName",),
    ),
    "FlowLog": Row(
        {
            "/ResourceType": "VPC",
            "/ResourceId": "Network",
            "/LogDestinationType": "cloud-watch-logs",
            "/LogGroupName": "FlowLogGroup",
            "/DeliverLogsPermissionArn": f"arn:{NAME}-flow-log",
        },
        free=("/TrafficType",),
    ),
}

SOURCE = {
    "SourceSubnets": Row({"/SubnetIds": ["SubnetA", "SubnetB"]}),
    "SourceSettings": Row(
        {
            "/Family": "aurora-postgresql16",
            # Without it, the log cannot be decoded into changes.
            "/Parameters/rds.logical_replication": "1",
            "/Parameters/rds.force_ssl": "1",
        },
        free=(
            "/Parameters/max_slot_wal_keep_size",
            "/Parameters/log_statement",
            "/Parameters/log_min_duration_statement",
        ),
    ),
    "SourceLog": _log_group(f"/aws/rds/cluster/{NAME}-source/postgresql"),
    "CaptureLog": _log_group(f"dms-tasks-{NAME}-capture"),
    "Source": Row(
        {
            # A rename replaces the database.
            "/DBClusterIdentifier": f"{NAME}-source",
            "/Engine": "aurora-postgresql",
            "/EngineVersion": Parameter("SourceVersion"),
            "/DatabaseName": Parameter("SourceDatabase"),
            "/MasterUsername": "shop_admin",  # after SourceDatabase
            "/ManageMasterUserPassword": True,
            "/MasterUserSecret/KmsKeyId": CONTROL_KEY,
            "/StorageEncrypted": True,
            "/KmsKeyId": LAKE_KEY,
            "/EnableIAMDatabaseAuthentication": True,
            "/DeletionProtection": Parameter("DeletionProtection"),
            "/BackupRetentionPeriod": Parameter("SourceBackupDays"),
            "/DBClusterParameterGroupName": "SourceSettings",
            "/DBSubnetGroupName": "SourceSubnets",
            "/VpcSecurityGroupIds": ["SourceGroup.GroupId"],
            "/ServerlessV2ScalingConfiguration/MinCapacity": Parameter("SourceMinAcu"),
            "/ServerlessV2ScalingConfiguration/MaxCapacity": Parameter("SourceMaxAcu"),
        },
        free=("/CopyTagsToSnapshot", "/EnableCloudwatchLogsExports/*"),
    ),
    "SourceInstance": Row(
        {
            "/DBClusterIdentifier": "Source",
            "/DBInstanceClass": "db.serverless",
            "/Engine": "aurora-postgresql",
            "/PubliclyAccessible": False,
            "/PerformanceInsightsKMSKeyId": CONTROL_KEY,
            "/MonitoringRoleArn": f"arn:{NAME}-monitoring",
        },
        free=("/AutoMinorVersionUpgrade", "/EnablePerformanceInsights", "/MonitoringInterval"),
    ),
    "MonitoringRole": Row(
        {
            "/RoleName": f"{NAME}-monitoring",
            "/AssumeRolePolicyDocument/Statement": taken_by("monitoring.rds.amazonaws.com"),
            "/ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"],
        }
    ),
    "CaptureSecretRole": Row(
        {
            "/RoleName": f"{NAME}-capture",
            "/AssumeRolePolicyDocument/Statement": taken_by(
                f"dms.{REGION}.amazonaws.com", "dms.amazonaws.com"
            ),
            "/AssumeRolePolicyDocument/Statement/0/Condition/StringEquals/aws:SourceAccount": ACCOUNT,
            "/Policies/0/PolicyDocument/Statement": grants(
                {
                    "secretsmanager:GetSecretValue": "arn:Source",
                    "secretsmanager:DescribeSecret": "arn:Source",
                    "kinesis:DescribeStream": f"arn:{NAME}-changes",
                    "kinesis:PutRecord": f"arn:{NAME}-changes",
                    "kinesis:PutRecords": f"arn:{NAME}-changes",
                    "kms:Decrypt": (LAKE_KEY, CONTROL_KEY),
                    "kms:GenerateDataKey": (LAKE_KEY, CONTROL_KEY),
                }
            ),
        },
        free=("/Policies/0/PolicyName",),
    ),
    "CaptureSubnets": Row(
        {
            "/ReplicationSubnetGroupIdentifier": f"{NAME}-capture",
            "/SubnetIds": ["SubnetA", "SubnetB"],
        }
    ),
    "Capture": Row(
        {
            "/ReplicationInstanceIdentifier": f"{NAME}-capture",
            "/ReplicationInstanceClass": Parameter("CaptureClass"),
            "/AllocatedStorage": Parameter("CaptureGb"),
            "/MultiAZ": Parameter("CaptureMultiAz"),
            "/PubliclyAccessible": False,
            "/KmsKeyId": LAKE_KEY,
            "/ReplicationSubnetGroupIdentifier": "CaptureSubnets",
            "/VpcSecurityGroupIds": ["CaptureGroup.GroupId"],
        },
        free=("/AutoMinorVersionUpgrade",),
    ),
    "CaptureFrom": Row(
        {
            "/EndpointIdentifier": f"{NAME}-from-source",
            "/EndpointType": "source",
            "/EngineName": "aurora-postgresql",
            "/DatabaseName": Parameter("SourceDatabase"),
            "/SslMode": "require",
            "/KmsKeyId": LAKE_KEY,
            "/PostgreSqlSettings/SecretsManagerSecretId": "arn:Source",
            "/PostgreSqlSettings/SecretsManagerAccessRoleArn": f"arn:{NAME}-capture",
            # Its positions have the form that the contracts call `lsn`.
            "/PostgreSqlSettings/PluginName": "pglogical",
            "/PostgreSqlSettings/HeartbeatEnable": True,
            # Truncates and new columns become events of a table.
            "/PostgreSqlSettings/CaptureDdls": True,
        },
        free=("/PostgreSqlSettings/HeartbeatFrequency",),
    ),
    "CaptureTo": Row(
        {
            "/EndpointIdentifier": f"{NAME}-to-stream",
            "/EndpointType": "target",
            "/EngineName": "kinesis",
            "/KmsKeyId": LAKE_KEY,
            "/KinesisSettings/StreamArn": f"arn:{NAME}-changes",
            "/KinesisSettings/ServiceAccessRoleArn": f"arn:{NAME}-capture",
            # One line per record: pretty-printed JSON would be cut into several records.
            "/KinesisSettings/MessageFormat": "json-unformatted",
            # `test_the_parser_needs_every_capture_setting` shows what is missing without these.
            "/KinesisSettings/IncludeTransactionDetails": True,
            "/KinesisSettings/IncludeNullAndEmpty": True,
            "/KinesisSettings/IncludeControlDetails": True,
            "/KinesisSettings/IncludeTableAlterOperations": True,
        },
        free=("/KinesisSettings/IncludePartitionValue", "/KinesisSettings/PartitionIncludeSchemaTable"),
    ),
    "CaptureTask": Row(
        {
            "/ReplicationTaskIdentifier": f"{NAME}-changes",
            "/ReplicationInstanceArn": "Capture",
            "/SourceEndpointArn": "CaptureFrom",
            "/TargetEndpointArn": "CaptureTo",
            # Load first, then capture every change since; with only a load, the lake would become stale.
            "/MigrationType": "full-load-and-cdc",
            "/TableMappings/rules": every_table_with_a_contract,
            "/ReplicationTaskSettings/BeforeImageSettings/EnableBeforeImage": True,
            "/ReplicationTaskSettings/BeforeImageSettings/FieldName": "before-image",
            "/ReplicationTaskSettings/BeforeImageSettings/ColumnFilter": "all",
            # A skipped change is lost silently; one that stops the task is noticed.
            **{
                f"/ReplicationTaskSettings/ErrorBehavior/{policy}": "STOP_TASK"
                for policy in (
                    "DataErrorPolicy",
                    "TableErrorPolicy",
                    "ApplyErrorDeletePolicy",
                    "ApplyErrorInsertPolicy",
                    "ApplyErrorUpdatePolicy",
                )
            },
        },
        free=(
            "/ReplicationTaskSettings/Logging/EnableLogging",
            "/ReplicationTaskSettings/StreamBufferSettings/*",
        ),
    ),
}
