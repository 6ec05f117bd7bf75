"""The alert rules: what a rules file may say, and everything that can be wrong with one (contract §3, "Rules")."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, ValidationError

from connector.errors import ConfigurationError
from connector.processor.matcher import Expressions, Phrases, Use, compile_expression
from connector.processor.terms import ways
from connector.settings import Duration  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from pathlib import Path

_PHRASES: Final = ("any", "all", "none")
_TRIGGERS: Final = ("any", "all", "regex")


def _phrase(text: str) -> str:
    ways(text)
    return text


def _expression(pattern: str) -> str:
    compile_expression(pattern)
    return pattern


def _shell_pattern(pattern: str) -> str:
    if not pattern:
        raise ValueError("an empty pattern matches no speaker; `*` matches every one")
    at = 0
    while (at := pattern.find("[", at)) >= 0:
        # The first character in brackets may be a `]` itself, behind a `!` too.
        end = pattern.find("]", at + (3 if pattern[at + 1 : at + 2] == "!" else 2))
        if end < 0:
            raise ValueError(f"{pattern!r} has a `[` without `]`; for the character itself write `[[]`")
        at = end
    return pattern


Phrase = Annotated[str, AfterValidator(_phrase)]
Expression = Annotated[str, AfterValidator(_expression)]
ShellPattern = Annotated[str, AfterValidator(_shell_pattern)]
Text = Annotated[str, Field(min_length=1)]


class Rule(BaseModel):
    """When to raise an alert."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    id: str = Field(pattern=r"^[^\s\p{Cc}](?:[^\p{Cc}]*[^\s\p{Cc}])?$", max_length=200, description="Name of the rule.")
    any: tuple[Phrase, ...] = Field(
        (), description="Words and phrases, one of which must be in the sentence: whole words, any case, any spacing."
    )
    all: tuple[Phrase, ...] = Field((), description="Words and phrases that all must be within `window`.")
    none: tuple[Phrase, ...] = Field((), description="Words and phrases that must not be within `window`.")
    regex: tuple[Expression, ...] = Field(
        (), description="Expressions in RE2 syntax, looked for in one sentence as it is; like `any`, one suffices."
    )
    window: StrictInt = Field(
        1, ge=0, le=1000, description="Sentences before this one that `all` and `none` look at as well."
    )
    symbols: tuple[Text, ...] = Field((), description="Tickers of the calls to look at; none: every call.")
    speakers: tuple[ShellPattern, ...] = Field(
        (), description="Shell patterns of the speakers to listen to, in any case; none: everybody."
    )
    min_confidence: float = Field(
        0.0, ge=0, le=1, description="Lowest confidence of the recognition; a sentence without one passes."
    )
    cooldown: Duration = Field(
        timedelta(0), description="After an alert, how long this rule holds back others in the same transcript."
    )
    severity: str = Field("medium", min_length=1, max_length=100, description="Goes into the alert.")
    tags: tuple[str, ...] = Field((), description="Go into the alert.")

    @cached_property
    def cooldown_us(self) -> int:
        """`cooldown` in microseconds."""
        return self.cooldown // timedelta(microseconds=1)


@dataclass(frozen=True)
class RuleSet:
    """The rules that are in force together."""

    rules: tuple[Rule, ...]
    version: str
    """Digest of what the rules say, 16 hex digits; comments, layout and defaults written out do not change it."""

    phrases: Phrases
    expressions: Expressions

    @classmethod
    def of(cls, rules: Sequence[Rule] = ()) -> Self:
        """Compile `rules`."""
        said = json.dumps([rule.model_dump(mode="json") for rule in rules], sort_keys=True, ensure_ascii=False)
        return cls(
            tuple(rules),
            blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(),
            Phrases((term, use) for text, use in _uses(rules, _PHRASES) for term in ways(text)),
            Expressions(_uses(rules, ("regex",))),
        )


def load_rules(path: Path) -> RuleSet:
    """The rules in the file. Raises ConfigurationError that tells every problem."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError([f"rules file {path} cannot be read: {error.strerror}"]) from error
    return parse_rules(content, str(path))


def parse_rules(content: bytes, name: str = "rules file") -> RuleSet:
    """The rules that `content` (YAML) says. Raises ConfigurationError that tells every problem."""
    problems: list[str] = []
    rules = [rule for rule in _rules(_items(content, name), problems) if rule is not None]
    if problems:
        raise ConfigurationError([f"{name}: {problem}" for problem in problems])
    return RuleSet.of(rules)


def _uses(rules: Sequence[Rule], roles: Sequence[str]) -> Iterator[tuple[str, Use]]:
    for number, rule in enumerate(rules):
        every = [(role, text) for role in (*_PHRASES, "regex") for text in getattr(rule, role)]
        for rank, (role, text) in enumerate(every):
            if role in roles:
                yield text, Use(number, role, rank)


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would quietly take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # refused below
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _items(content: bytes, name: str) -> list[Any]:
    try:
        tree = yaml.load(content.decode("utf-8-sig"), _Loader)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{name} is not UTF-8 text: {error.reason} at byte {error.start}"]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or error
        raise ConfigurationError([f"{name}{where} is not YAML: {reason}"]) from error
    problems = (
        [f"{name}: {key}: no such setting; a rules file has `rules` only" for key in tree or () if key != "rules"]
        if isinstance(tree, dict)
        else []
    )
    items = tree.get("rules") if isinstance(tree, dict) else None
    if not isinstance(items, list):
        problems.append(f"{name} must hold a list `rules`; without any rule write `rules: []`")
    if problems:
        raise ConfigurationError(problems)
    return list(items or ())


def _rules(items: list[Any], problems: list[str]) -> Iterator[Rule | None]:
    places: dict[str, int] = {}
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            problems.append(f"rules[{number}] must be a rule, with `id` and `any`, `all` or `regex`")
            continue
        id_ = item.get("id")
        where = f"rules[{number}]" if id_ is None else f"rules[{number}] ({id_})"
        if isinstance(id_, str) and places.setdefault(id_, number) != number:
            problems.append(f"{where}: id: the same as that of rules[{places[id_]}]; an id stands for one rule")
        if not any(item.get(trigger) for trigger in _TRIGGERS):
            problems.append(f"{where}: nothing can make it fire; give it `any`, `all` or `regex`")
        problems += [f"{where}: {problem}" for problem in _twice(item)]
        try:
            yield Rule.model_validate(item)
        except ValidationError as error:
            problems += [f"{where}: {_sentence(found)}" for found in error.errors(include_url=False)]


def _twice(item: dict[str, Any]) -> Iterator[str]:
    for field in _PHRASES:
        seen: dict[object, int] = {}
        texts = item.get(field)
        for index, text in enumerate(texts if isinstance(texts, list) else ()):
            try:
                same = tuple((way.words, way.between) for way in ways(text)) if isinstance(text, str) else None
            except ValueError:
                continue  # told by the model
            if same is not None and seen.setdefault(same, index) != index:
                yield f"{field}[{index}]: {text!r} is the same as {field}[{seen[same]}]"


def _sentence(found: Any) -> str:
    first, *rest = found["loc"] or ("rule",)
    field = "".join([str(first), *(f"[{part}]" for part in rest)])
    match found["type"]:
        case "extra_forbidden":
            return f"{field}: no such setting; a rule has {', '.join(Rule.model_fields)}"
        case "string_type":
            return f"{field}: {found['input']!r} is no text; YAML reads it as something else, put it in quotes"
        case "tuple_type":
            return f"{field}: must be a list, such as [{found['input']!r}]"
        case "string_pattern_mismatch":
            return f"{field}: {found['input']!r} begins or ends with a space, or has a control character in it"
    return f"{field}: {str(found['msg']).removeprefix('Value error, ')}"
