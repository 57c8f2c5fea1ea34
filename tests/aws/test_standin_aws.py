"""The stand-in for the official aws plugin: real engine, moto's server.

Emulation: moto on this machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws.standin_project import Project, plain_moto, project

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(name="project")
def fixture_project(tmp_path: Path) -> Iterator[Project]:
    with plain_moto() as variables:
        yield project(tmp_path, variables)


NETWORK = """
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.64.0.0/20", enable_dns_hostnames=True, tags={"a": "b"})
    zones = aws.get_availability_zones_output(state="available")
    subnet = aws.ec2.Subnet(
        "subnet",
        vpc_id=vpc.id,
        cidr_block="10.64.0.0/24",
        availability_zone=zones.names[0],
        map_public_ip_on_launch=False,
    )
    table = aws.ec2.RouteTable("table", vpc_id=vpc.id)
    aws.ec2.RouteTableAssociation("association", route_table_id=table.id, subnet_id=subnet.id)
    apps = aws.ec2.SecurityGroup("apps", vpc_id=vpc.id, description="Applications")
    store = aws.ec2.SecurityGroup(
        "store", vpc_id=vpc.id, name_prefix="store-", revoke_rules_on_delete=True
    )
    aws.vpc.SecurityGroupIngressRule(
        "apps-in",
        security_group_id=store.id,
        referenced_security_group_id=apps.id,
        ip_protocol="tcp",
        from_port=6379,
        to_port=6379,
        description="Applications",
    )
    aws.vpc.SecurityGroupEgressRule(
        "apps-out",
        security_group_id=apps.id,
        cidr_ipv4="10.64.0.0/20",
        ip_protocol="tcp",
        from_port=6379,
        to_port=6379,
    )
    aws.ec2.VpcEndpoint(
        "endpoint",
        vpc_id=vpc.id,
        service_name="com.amazonaws.eu-central-1.secretsmanager",
        vpc_endpoint_type="Interface",
        subnet_ids=[subnet.id],
        security_group_ids=[store.id],
        private_dns_enabled=True,
    )
    pulumi.export("group", store.id)
    pulumi.export("owner", aws.get_caller_identity_output().account_id)
    pulumi.export("seen", aws.ec2.get_subnet_output(id=subnet.id).vpc_id)
    pulumi.export("vpc", vpc.id)
"""


def test_a_network_is_made_stays_as_it_is_and_goes(project: Project) -> None:
    project.write(NETWORK)
    project.preview()
    project.up()
    outputs = project.engine.outputs()
    assert outputs["seen"] == outputs["vpc"]
    assert outputs["owner"] == "123456789012"
    ec2 = project.client("ec2")
    rules = ec2.describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [outputs["group"]]}]
    )["SecurityGroupRules"]
    assert [rule["IsEgress"] for rule in rules] == [False]  # AWS's way out to everywhere is gone
    project.up_unchanged()
    project.refresh_unchanged()
    project.up_unchanged()
    project.destroy()
    assert all(vpc["IsDefault"] for vpc in ec2.describe_vpcs()["Vpcs"])
    assert {item["GroupName"] for item in ec2.describe_security_groups()["SecurityGroups"]} == {
        "default"
    }


SERVICES = """
    aws_east = aws.Provider(
        "aws",
        region="eu-central-1",
        allowed_account_ids=["123456789012"],
        default_tags={"tags": {"holdfast:stack": "test"}},
    )
    opts = ResourceOptions(provider=aws_east)

    def policy(*actions):
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)

    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }
        ],
    }
    key = aws.kms.Key(
        "key",
        description="Store",
        enable_key_rotation=True,
        rotation_period_in_days=365,
        deletion_window_in_days=7,
        opts=opts,
    )
    alias = aws.kms.Alias("key", name="alias/store-test", target_key_id=key.id, opts=opts)
    role = aws.iam.Role("role", assume_role_policy=json.dumps(trust), tags={"own": "1"}, opts=opts)
    aws.iam.RolePolicy("inline", role=role.id, policy=policy("logs:PutLogEvents"), opts=opts)
    connect = aws.iam.Policy("connect", policy=policy("elasticache:Connect"), opts=opts)
    aws.iam.RolePolicyAttachment("attached", role=role.name, policy_arn=connect.arn, opts=opts)
    logs = aws.cloudwatch.LogGroup(
        "logs", name="/aws/elasticache/test/slow-log", retention_in_days=30, opts=opts
    )
    topic = aws.sns.Topic("topic", kms_master_key_id=key.arn, opts=opts)
    aws.sns.TopicPolicy(
        "topic", arn=topic.arn, policy=topic.arn.apply(lambda arn: policy("SNS:Publish")), opts=opts
    )
    aws.sns.TopicSubscription(
        "mail", topic=topic.arn, protocol="email", endpoint="a@example.com", opts=opts
    )
    aws.cloudwatch.MetricAlarm(
        "memory",
        namespace="AWS/ElastiCache",
        metric_name="DatabaseMemoryUsagePercentage",
        dimensions={"CacheClusterId": "store-001", "CacheNodeId": "0001"},
        comparison_operator="GreaterThanThreshold",
        statistic="Maximum",
        period=60,
        evaluation_periods=5,
        datapoints_to_alarm=3,
        threshold=80,
        treat_missing_data="notBreaching",
        alarm_actions=[topic.arn],
        ok_actions=[topic.arn],
        opts=opts,
    )
    secret = aws.secretsmanager.Secret(
        "secret", kms_key_id=key.arn, recovery_window_in_days=0, opts=opts
    )
    value = pulumi.Output.secret(PASSWORD)
    aws.secretsmanager.SecretVersion(
        "secret",
        secret_id=secret.id,
        secret_string=pulumi.Output.json_dumps({"username": "svc", "password": value}),
        opts=opts,
    )
    aws.secretsmanager.SecretPolicy(
        "secret",
        secret_arn=secret.arn,
        policy=policy("secretsmanager:GetSecretValue"),
        block_public_policy=True,
        opts=opts,
    )
    aws.lambda_.Function(
        "verifier",
        role=role.arn,
        runtime="python3.12",
        handler="main.handler",
        code=pulumi.AssetArchive({"main.py": pulumi.StringAsset("def handler(e, c): return 1")}),
        environment={"variables": {"A": "b"}},
        timeout=60,
        opts=opts,
    )
    pulumi.export("secret", secret.arn)
    pulumi.export("role", role.name)
    pulumi.export("key", key.id)
    pulumi.export("topic", topic.arn)
"""
PASSWORD = "correct-horse-battery-staple-1"


def services(password: str = PASSWORD) -> str:
    return SERVICES.replace("PASSWORD", repr(password))


def test_keys_roles_logs_alarms_and_secrets_are_made_stay_and_go(project: Project) -> None:
    project.write(services())
    project.preview()
    project.up()
    outputs = project.engine.outputs()
    tags = project.client("iam").list_role_tags(RoleName=outputs["role"])["Tags"]
    assert {item["Key"]: item["Value"] for item in tags} == {"holdfast:stack": "test", "own": "1"}
    role = project.stored("role")
    assert role["outputs"]["tags"] == {"own": "1"}
    assert role["outputs"]["tagsAll"] == {"holdfast:stack": "test", "own": "1"}
    project.up_unchanged()
    project.refresh_unchanged()
    project.up_unchanged()
    assert PASSWORD not in str(project.engine.export())
    project.destroy()
    key = project.client("kms").describe_key(KeyId=outputs["key"])["KeyMetadata"]
    assert key["KeyState"] == "PendingDeletion"
    assert project.client("secretsmanager").list_secrets()["SecretList"] == []
    assert project.client("iam").list_roles()["Roles"] == []
    assert project.client("lambda").list_functions()["Functions"] == []
    assert project.client("sns").list_topics()["Topics"] == []
    assert project.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert project.client("logs").describe_log_groups()["logGroups"] == []


SECRET = """
    secret = aws.secretsmanager.Secret("secret", recovery_window_in_days=0, tags={"n": "NUMBER"})
    version = aws.secretsmanager.SecretVersion(
        "value", secret_id=secret.id, secret_string=pulumi.Output.secret("VALUE")
    )
    pulumi.export("secret", secret.arn)
"""


def test_another_value_of_a_secret_is_another_version_and_the_current_one(project: Project) -> None:
    project.write(SECRET.replace("VALUE", "first-value").replace("NUMBER", "1"))
    project.up()
    secret, first = project.stored("secret")["id"], project.stored("value")["id"]
    project.write(SECRET.replace("VALUE", "second-value").replace("NUMBER", "2"))
    shown = project.preview()
    assert "+-aws:secretsmanager/secretVersion:SecretVersion: (replace)" in shown
    assert "~ aws:secretsmanager/secret:Secret: (update)" in shown
    assert "second-value" not in shown
    project.up()
    assert project.stored("value")["id"] != first
    manager = project.client("secretsmanager")
    current = manager.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")
    assert current["SecretString"] == "second-value"
    assert manager.describe_secret(SecretId=secret)["Tags"] == [{"Key": "n", "Value": "2"}]
    state = str(project.engine.export())
    assert "first-value" not in state
    assert "second-value" not in state
    project.refresh_unchanged()


def test_a_log_group_that_is_there_is_imported(project: Project) -> None:
    project.client("logs").create_log_group(logGroupName="/there", tags={"a": "b"})
    project.write("")
    project.up()
    kind = "aws:cloudwatch/logGroup:LogGroup"
    # Code is generated by the official language host alone.
    project.engine.run(
        "import",
        kind,
        "there",
        "/there",
        "--yes",
        "--protect=false",
        "--generate-code=false",
        deadline_seconds=300.0,
    )
    assert project.stored("there")["inputs"]["tags"] == {"a": "b"}
    project.write("""
        aws.cloudwatch.LogGroup("there", name="/there", tags={"a": "b"})
    """)
    project.up_unchanged()


ONE = """
    aws.cloudwatch.LogGroup("logs")
    aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
"""


def test_a_preview_of_what_is_new_needs_no_aws_where_checks_are_skipped_and_keys_are_made_up(
    project: Project,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del project.engine.environment[name]
    project.engine.environment |= {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_CONFIG_FILE": "/nonexistent",
    }
    project.write(ONE)
    project.engine.set_config("aws:skipCredentialsValidation", "true")
    project.engine.set_config("aws:skipRequestingAccountId", "true")
    refused = project.engine.run("preview", fails=True, deadline_seconds=300.0)
    assert "No valid credential sources found" in refused.shown
    project.engine.set_config("aws:accessKey", "nobody")
    project.engine.set_config("aws:secretKey", "nobody", secret=True)
    assert "aws:ec2/vpc:Vpc: (create)" in project.preview()


def test_another_account_than_those_allowed_is_refused(project: Project) -> None:
    project.write("""
        other = aws.Provider("other", region="eu-central-1", allowed_account_ids=["999999999999"])
        aws.cloudwatch.LogGroup("logs", opts=ResourceOptions(provider=other))
    """)
    run = project.engine.run("up", "--yes", "--skip-preview", fails=True, deadline_seconds=300.0)
    assert "AWS Account ID not allowed: 123456789012" in run.shown


def test_a_type_that_the_stand_in_does_not_have_is_refused_by_name(project: Project) -> None:
    project.write('aws.s3.Bucket("bucket")')
    run = project.engine.run("preview", fails=True, deadline_seconds=300.0)
    assert "aws:s3/bucket:Bucket" in run.shown
    assert "one that the stand-in for pulumi-aws has" in run.shown
