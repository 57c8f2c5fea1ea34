"""The rules of single settings of target aws, as pure functions that return the checked value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from ipaddress import IPv4Network, ip_network
from typing import Final

from config.schema import BY_NAME
from holdfast.aws.names import MAX_ID, MAX_PREFIX, is_id
from holdfast.aws.nodes import offered
from holdfast.aws.nodes_table import NODES, NodeType
from holdfast.aws.parameters import ENGINE_VERSIONS
from holdfast.aws.regions_table import FAMILIES_BY_REGION
from holdfast.errors import ConfigError

LOG_RETENTION_DAYS: Final = (7, 14, 30, 60, 90, 120, 150, 180, 365, 400)
"""What CloudWatch has between a week and what the policy pack allows."""

_WIDEST_CLIENTS: Final = 16
_NETWORK_PREFIXES: Final = (16, 25)
_SHARED: Final = IPv4Network("100.64.0.0/10")
_PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_ACCOUNT: Final = re.compile(r"[0-9]{12}\Z")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+\Z")
_TAG: Final = re.compile(r"(?P<key>[\w .:/+@-]{1,128})=(?P<value>[\w .:/=+@-]{0,256})\Z")
_SNAPSHOT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,254}\Z")
_PARTITION: Final = r"arn:(aws|aws-cn|aws-us-gov)"
_MAX_TAGS: Final = 40
"""Of AWS's 50; the kit's own need the rest."""


def fail(name: str, value: object, rule: str, fix: str) -> ConfigError:
    """An error of a setting, by its name without namespace."""
    return ConfigError(BY_NAME[name].key, value, rule, fix)


def check_region(region: str | None) -> str:
    """A region that has ElastiCache, as far as the table knows. Raises ConfigError."""
    if region is None:
        raise fail("region", "nothing", "a region with target aws", "set one, such as eu-west-1")
    if region not in FAMILIES_BY_REGION:
        near = get_close_matches(region.lower(), FAMILIES_BY_REGION, n=1, cutoff=0.6)
        raise fail(
            "region",
            region,
            "a region that holdfast/aws/regions_table.py knows",
            f"did you mean {near[0]}?" if near else "set one, such as eu-west-1",
        )
    return region


def check_store_id(store: str, stack: str) -> str:
    """``<store>-<stack>`` in lower case: tells the stores of an account apart.

    Raises:
        ConfigError: longer than 24 characters, or with others than letters, digits and single
            hyphens.
    """
    name = f"{store}-{stack}".lower()
    if len(name) > MAX_PREFIX:
        raise fail(
            "storeName",
            name,
            f"at most {MAX_PREFIX} characters with the stack's name: AWS ids have {MAX_ID}, and "
            "roles follow",
            f"shorten it by {len(name) - MAX_PREFIX}",
        )
    if not is_id(name, longest=MAX_PREFIX):
        raise fail(
            "storeName",
            name,
            "letters, digits and single hyphens with the stack's name behind it, a letter first "
            "and no hyphen last",
            "correct it, or rename the stack with `pulumi stack rename`",
        )
    return name


def check_account_ids(accounts: tuple[str, ...]) -> tuple[str, ...]:
    """Twelve digits each. Raises ConfigError."""
    for account in accounts:
        if not _ACCOUNT.match(account):
            raise fail(
                "accountIds",
                account,
                "12 digits each",
                "`aws sts get-caller-identity` shows yours; quote it, or leading zeros are lost",
            )
    return accounts


def check_account_id(account: str | None) -> str | None:
    """One account, if any is said. Raises ConfigError as :func:`check_account_ids` does."""
    return None if account is None else check_account_ids((account,))[0]


def check_engine_version(version: str | None) -> str:
    """``major.minor`` that ElastiCache offers. Raises ConfigError.

    It has no default: a default that moved with the kit would upgrade every store with it.
    """
    if version is None:
        raise fail(
            "engineVersion",
            "nothing",
            f"one of {', '.join(ENGINE_VERSIONS)} with target aws",
            f'set it, for a new store "{ENGINE_VERSIONS[-1]}"; `pulumi stack output engine` shows '
            "that of a deployed one",
        )
    if version not in ENGINE_VERSIONS:
        near = [known for known in ENGINE_VERSIONS if version.startswith(f"{known}.")]
        raise fail(
            "engineVersion",
            version,
            f"one of {', '.join(ENGINE_VERSIONS)} with target aws",
            f'set "{near[0]}": AWS chooses the patch'
            if near
            else f'set for example "{ENGINE_VERSIONS[-1]}"',
        )
    return version


def check_offered(node: NodeType, region: str) -> NodeType:
    """A node type that the region has. Raises ConfigError."""
    if not offered(node, region):
        others = ", ".join(other.name for other in NODES if offered(other, region))
        raise fail("nodeType", node.name, f"one that {region} offers: {others}", "set one of them")
    return node


def check_client_cidrs(cidrs: tuple[str, ...]) -> tuple[str, ...]:
    """IPv4 ranges that may connect, none wider than /16. Raises ConfigError."""
    for cidr in cidrs:
        network = _network("clientCidrs", cidr)
        if network.prefixlen < _WIDEST_CLIENTS:
            world = "that is the whole world" if network.prefixlen == 0 else "that is too many"
            raise fail(
                "clientCidrs",
                cidr,
                f"no wider than /{_WIDEST_CLIENTS}",
                f"{world}: name the applications' subnets, or better their security groups "
                f"({BY_NAME['clientSecurityGroupIds'].key})",
            )
    return tuple(dict.fromkeys(cidrs))


def check_vpc_cidr(cidr: str) -> str:
    """The range of a network that is made. Raises ConfigError."""
    network = _network("vpcCidr", cidr)
    low, high = _NETWORK_PREFIXES
    private = any(network.subnet_of(block) for block in (*_PRIVATE, _SHARED))
    if not private or not low <= network.prefixlen <= high:
        raise fail(
            "vpcCidr",
            cidr,
            f"a private range from /{low} to /{high}: each zone's subnet needs addresses",
            "set for example 10.64.0.0/20",
        )
    return cidr


def check_ids(name: str, kind: str, ids: Sequence[str]) -> tuple[str, ...]:
    """Ids such as ``sg-0123456789abcdef0``, each once. Raises ConfigError."""
    pattern = re.compile(rf"{kind}-([0-9a-f]{{8}}|[0-9a-f]{{17}})\Z")
    for given in ids:
        if not pattern.match(given):
            raise fail(
                name, given, f"{kind}- and 8 or 17 hexadecimal digits", "copy it from the console"
            )
    if len(set(ids)) != len(ids):
        raise fail(name, ", ".join(ids), "each id once", "remove the repeated one")
    return tuple(ids)


def check_kms_key_arn(arn: str, region: str) -> str:
    """The ARN of a key of the region. Raises ConfigError; an alias gets the way to the ARN."""
    if re.match(rf"{_PARTITION}:kms:{region}:[0-9]{{12}}:key/[\w-]+\Z", arn):
        return arn
    alias = "alias/" in arn
    raise fail(
        "kmsKeyArn",
        arn,
        f"the ARN of a key in {region}, arn:aws:kms:{region}:<account>:key/<id>",
        "an alias differs from what AWS hands back, and would show as a change for ever; "
        "`aws kms describe-key --key-id <alias> --query KeyMetadata.Arn` shows the ARN"
        if alias
        else "copy the ARN from `aws kms describe-key`",
    )


def check_topic_arn(arn: str, region: str) -> str:
    """The ARN of an SNS topic of the region. Raises ConfigError."""
    if not re.match(rf"{_PARTITION}:sns:{region}:[0-9]{{12}}:[\w-]{{1,256}}\Z", arn):
        raise fail(
            "alarmTopicArn",
            arn,
            f"the ARN of a topic in {region}, arn:aws:sns:{region}:<account>:<name>",
            "alarms reach topics of their own region alone; `aws sns list-topics` shows them",
        )
    return arn


def check_emails(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Mail addresses, as far as a form can tell. Raises ConfigError."""
    for address in addresses:
        if not _EMAIL.match(address):
            raise fail("alarmEmails", address, "mail addresses", "correct it")
    return tuple(dict.fromkeys(addresses))


def check_log_retention_days(days: int) -> int:
    """One of the periods that CloudWatch knows. Raises ConfigError."""
    if days not in LOG_RETENTION_DAYS:
        nearest = min(LOG_RETENTION_DAYS, key=lambda allowed: abs(allowed - days))
        allowed = ", ".join(map(str, LOG_RETENTION_DAYS))
        raise fail("logRetentionDays", days, f"one of {allowed}", f"set {nearest}")
    return days


def check_number(name: str, value: int, low: int, high: int, reason: str) -> int:
    """A number in a range. Raises ConfigError."""
    if not low <= value <= high:
        fix = f"{reason}; set {min(max(value, low), high)}"
        raise fail(name, value, f"{low} to {high}", fix)
    return value


def check_tags(texts: tuple[str, ...]) -> dict[str, str]:
    """``key=value`` each. Raises ConfigError."""
    tags: dict[str, str] = {}
    for text in texts:
        match = _TAG.match(text)
        if match is None or match["key"].lower().startswith("aws:"):
            raise fail(
                "awsTags",
                text,
                "key=value of letters, digits, spaces and _ . : / = + - @, and no key that begins "
                "with aws:",
                "correct it",
            )
        if match["key"] in tags:
            raise fail("awsTags", text, "each key once", f"remove one {match['key']}")
        tags[match["key"]] = match["value"]
    if len(tags) > _MAX_TAGS:
        raise fail("awsTags", f"{len(tags)} tags", f"at most {_MAX_TAGS}", "remove some")
    return tags


def check_snapshot(text: str, *, serverless: bool) -> str:
    """A snapshot's name, for a serverless store its ARN. Raises ConfigError."""
    if serverless:
        if not re.match(rf"{_PARTITION}:elasticache:[\w-]+:[0-9]{{12}}:\w*snapshot:.+\Z", text):
            raise fail(
                "restoreSnapshot",
                text,
                "the snapshot's ARN with topology serverless",
                "`aws elasticache describe-serverless-cache-snapshots` shows it",
            )
    elif not _SNAPSHOT.match(text):
        raise fail(
            "restoreSnapshot",
            text,
            "the name of a snapshot",
            "`aws elasticache describe-snapshots` shows it",
        )
    return text


def check_import_id(text: str, name: str = "importId") -> str:
    """The id of a replication group. Raises ConfigError."""
    if not is_id(text):
        raise fail(
            name,
            text,
            "the id of a replication group: up to 40 lower-case letters, digits and single hyphens",
            "`aws elasticache describe-replication-groups` shows it",
        )
    return text


def _network(name: str, cidr: str) -> IPv4Network:
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        raise fail(name, cidr, "a range such as 10.1.0.0/16", "correct it") from None
    if not isinstance(network, IPv4Network):
        raise fail(name, cidr, "an IPv4 range", "the store has no IPv6 addresses; remove it")
    if "/" not in cidr:
        raise fail(name, cidr, "a range with its length", f"set {cidr}/32 for that address alone")
    if str(network) != cidr:
        raise fail(name, cidr, "the first address of the range", f"set {network}")
    return network
