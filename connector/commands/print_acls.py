"""`benzinga-kafka provision --print-acls`: what Kafka has to allow, ready to be run or read by a program."""

from __future__ import annotations

import shlex
from itertools import groupby
from typing import TYPE_CHECKING, Final

from connector.commands.output import emit_json, emit_line
from connector.errors import ConfigurationError
from connector.kafka.acls import Role, acls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.kafka.acls import Acl
    from connector.settings import Settings

_KIND: Final = "User:"


def print_acls(settings: Settings, principals: Sequence[str], *, as_json: bool) -> None:
    """Print every role's rules; `principals` are `User:NAME` for all roles, or `ROLE=User:NAME` for one.

    Reaches nothing. Raises ConfigurationError for a principal or role that is none.
    """
    users = _users(settings, principals)
    if as_json:
        for acl in acls(settings):
            for value in rules_of(acl, users[acl.role]):
                emit_json(value)
        return
    emit_line("# Where the brokers ask for a login, add: --command-config FILE")
    for role, rules in groupby(acls(settings), lambda acl: acl.role):
        emit_line(f"\n# {role.value}")
        for acl in rules:
            emit_line(f"# {acl.why}")
            emit_line(_command(acl, users[role], settings.kafka.bootstrap_servers))


def _users(settings: Settings, principals: Sequence[str]) -> Mapping[Role, str]:
    """The principal of each role; by default a user each, named after the prefix and the role."""
    users = {role: f"{_KIND}{settings.topics.prefix}-{role.value}" for role in Role}
    roles = {role.value: role for role in Role}
    problems = []
    # What is said of one role counts more than what is said of all, in whatever order.
    for text in sorted(principals, key=lambda text: text.partition("=")[0] in roles):
        name, _, principal = text.partition("=")
        role = roles.get(name)
        principal = principal if role else text
        if not principal.startswith(_KIND) or principal == _KIND:
            problems.append(
                f"--principal {text}: write User:NAME, or ROLE=User:NAME; roles are {', '.join(roles)}",
            )
        users |= {role: principal} if role else dict.fromkeys(Role, principal)
    if problems:
        raise ConfigurationError(problems)
    return users


def _command(acl: Acl, principal: str, bootstrap_servers: str) -> str:
    arguments = ["kafka-acls.sh", "--bootstrap-server", bootstrap_servers, "--add", "--allow-principal", principal]
    for operation in acl.operations:
        arguments += ["--operation", operation]
    for name in acl.names:
        arguments += [f"--{acl.resource}", name]
    if acl.pattern == "prefixed":
        arguments += ["--resource-pattern-type", "prefixed"]
    return shlex.join(arguments)


def rules_of(acl: Acl, principal: str) -> list[dict[str, object]]:
    """The rules of `acl`, one a resource, as JSON values."""
    return [
        {
            "role": acl.role.value,
            "principal": principal,
            "host": "*",
            "resource_type": acl.resource.upper().replace("-", "_"),
            "resource_name": name,
            "pattern_type": acl.pattern.upper(),
            "operations": list(acl.operations),
            "permission_type": "ALLOW",
        }
        for name in acl.names
    ]
