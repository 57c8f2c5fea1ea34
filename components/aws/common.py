"""What both kinds of store on AWS are surrounded by, and what they give back."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.aws.account import account_of
from components.aws.alarms import alarm_topic
from components.aws.keys import store_key
from components.aws.policies import connect_policy
from components.aws.secrets import RoleSecrets
from components.aws.security import store_gate
from components.aws.store_spec import Endpoints, StoreSpec
from components.aws.users import Users
from components.credentials import connection_documents
from components.outputs import Facts, SessionStore
from holdfast.connection import Connection


class Surroundings:
    """The key, the users, the secrets, the security groups and the alarm topic of a store."""

    def __init__(
        self,
        name: str,
        spec: StoreSpec,
        vpc_id: pulumi.Input[str],
        component: pulumi.ComponentResource,
    ) -> None:
        self._name = name
        self._spec = spec
        self.child = child = pulumi.ResourceOptions(parent=component)
        account = account_of(spec.account_id, component, offline=spec.offline)
        self.key_arn = store_key(name, spec, account, child)
        self.gate = store_gate(name, spec, vpc_id, child)
        self.users = Users(name, spec, child)
        self.secrets = RoleSecrets(name, spec, self.key_arn, account, child)
        self.topic_arn = alarm_topic(name, spec, self.key_arn, account, child)

    def connect_policies(self, store_arn: pulumi.Output[str]) -> dict[str, pulumi.Output[str]]:
        """ARN of what an application that logs in by IAM attaches to its own IAM role, by role.

        One a role: a policy for several would let an application log in as another role.
        """
        return {
            role.value: aws.iam.Policy(
                f"{self._name}-connect-{role}",
                description=f"Log in to session store {self._spec.aws_name} as {role} by IAM",
                policy=pulumi.Output.all(store_arn, *users).apply(
                    lambda known: connect_policy(known[0], known[1:])
                ),
                tags=self._spec.tags,
                opts=self.child,
            ).arn
            for role, users in self.users.iam_arns.items()
        }


class AwsStoreOutputs(SessionStore):
    """The outputs of a store on AWS, which both kinds have."""

    client_security_group_id: pulumi.Output[str]
    """The group whose members may connect."""

    store_security_group_id: pulumi.Output[str]
    """The group of the store itself."""

    kms_key_arn: pulumi.Output[str]
    """The key that everything is encrypted with."""

    secret_arns: Mapping[str, pulumi.Output[str]]
    """Of the secrets, by role."""

    connect_policy_arns: Mapping[str, pulumi.Output[str]]
    """Of what an application that logs in by IAM attaches to its IAM role, by role of the store;
    empty where nobody does."""

    def _publish(
        self,
        spec: StoreSpec,
        around: Surroundings,
        store: aws.elasticache.ReplicationGroup | aws.elasticache.ServerlessCache,
        endpoints: pulumi.Output[Endpoints],
        resources: Mapping[str, pulumi.Input[str]],
    ) -> None:
        """Fill the secrets, then the outputs."""
        full: pulumi.Output[tuple[Connection, Endpoints]] = pulumi.Output.secret(
            pulumi.Output.all(endpoints, around.users.presented).apply(
                lambda known: (spec.connection(known[0], around.users.logins(known[1])), known[0])
            )
        )
        values = around.secrets.fill(full, around.users)
        documents = full.apply(lambda known: connection_documents(known[0]))
        self.client_security_group_id = around.gate.clients.id
        self.store_security_group_id = around.gate.store.id
        self.kms_key_arn = around.key_arn
        self.secret_arns = around.secrets.arns
        self.connect_policy_arns = around.connect_policies(store.arn)
        ids: dict[str, object] = {
            "region": spec.region,
            "user_group_id": around.users.group.user_group_id,
            "client_security_group_id": self.client_security_group_id,
            "store_security_group_id": self.store_security_group_id,
            "kms_key_arn": self.kms_key_arn,
            "alarm_topic_arn": around.topic_arn,
            **resources,
        }
        if self.connect_policy_arns:
            ids["connect_policy_arns"] = self.connect_policy_arns
        self._give_back(
            Facts(
                target="aws",
                topology=spec.topology,
                engine=f"valkey {spec.engine_version}",
                app=spec.app,
            ),
            documents,
            pulumi.Output.all(store.urn, *(value.urn for value in values)),
            endpoints=endpoints.apply(lambda known: [str(known.first)]),
            connection_secrets=pulumi.Output.all(**self.secret_arns),
            resources=pulumi.Output.all(**ids),
        )
