"""What README and docs tell to type, to configure and to select exists: every block is taken as it stands.

Commands are parsed by the command line itself; configuration is read by the settings model; Python, SQL and Java name
fields that the schemas have. The programs they quote are run by `test_examples.py`, the commands by the tests of each.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from connector.cli import _load
from connector.mapping.schemas import load_schema
from connector.processor.rules import load_rules
from connector.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks/README.md", *ROOT.glob("docs/*.md")])


def blocks(language: str) -> list[Any]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for number, body in enumerate(re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)):
            found.append(pytest.param(body, id=f"{page.stem}-{number}"))
    return found


def commands(body: str) -> Iterator[list[str]]:
    for line in body.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        if words:
            yield words


@pytest.mark.parametrize("body", blocks("sh"))
def test_commands_are_commands(body: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for program, *arguments in commands(body):
        name = program.rpartition("/")[2]
        if name == "make":
            assert targets.issuperset(word for word in arguments if "=" not in word), arguments
        elif name == "benzinga-kafka":
            parses(arguments)
        elif name == "python":
            assert (ROOT / arguments[0]).exists() or arguments[0] == "-m", arguments
        elif name == "helm":
            assert any(Path(word).name == "benzinga-kafka" for word in arguments), arguments
        else:
            assert name in {"export", "pip", "kubectl", "git", "cd", "curl", "kcat"}, program


def parses(arguments: list[str]) -> None:
    """Whether there is such a command, with such options; nothing is run."""
    if arguments[0].startswith("-"):
        assert arguments == ["--help"]
        return
    command = _load(arguments.pop(0))
    if hasattr(command, "get_command"):  # a group
        command = command.get_command(None, arguments.pop(0))
    known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    assert known.issuperset(word for word in arguments if word.startswith("-")), arguments


@pytest.mark.parametrize("body", blocks("yaml"))
def test_configuration_is_configuration(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = yaml.safe_load(body)
    if set(tree) == {"rules"}:
        (tmp_path / "rules.yaml").write_text(body, encoding="utf-8")
        assert load_rules(tmp_path / "rules.yaml").rules
    elif set(tree) <= set(Settings.model_fields):
        # Files that only exist where it runs.
        for group in ("kafka", "schema_registry"):
            for name in tree.get(group, {}).get("options_files", {}):
                file = tmp_path / name
                file.write_text("secret", encoding="utf-8")
                tree[group]["options_files"][name] = str(file)
        Settings.model_validate(tree)
    else:
        pytest.fail(f"neither settings nor rules: {sorted(tree)}")


@pytest.mark.parametrize("body", blocks("python"))
def test_python_is_python_and_names_fields_that_exist(body: str) -> None:
    ast.parse(body)
    known = {name for stream in ("news", "calls", "alerts") for name in names(load_schema(stream))} | {"new_field"}
    assert known.issuperset(re.findall(r'(?:record|content)(?:\["\w+"\])*\["(\w+)"\]', body))


def test_sql_and_java_name_fields_that_exist() -> None:
    page = (ROOT / "docs/consuming.md").read_text(encoding="utf-8")
    alerts = names(load_schema("alerts"))
    table = re.search(r"CREATE TABLE alerts \((.*?)\n\) WITH", page, re.DOTALL)
    assert table is not None
    columns = re.findall(r"^  ([a-z_]+) (?!AS )[A-Z]", table[1], re.MULTILINE)  # computed ones are Flink's own
    assert len(columns) > 5
    assert alerts.issuperset(columns)
    assert names(load_schema("news")) >= set(re.findall(r'\.get\("(\w+)"\)', page))
    assert names(load_schema("ratings")) >= {name.lower() for name in re.findall(r"CONTENT->(\w+)", page)}


def names(schema: Any) -> set[str]:
    """The names of all fields, of inner records too."""
    text = json.dumps(schema)
    return set(re.findall(r'"name": "(\w+)"', text))
