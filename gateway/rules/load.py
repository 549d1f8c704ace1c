"""From `rules:` in the configuration to compiled rules; what needs no event is checked here.

What must not go in: evaluating anything, or reading files (see `core.document`).
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import RootModel, ValidationError, create_model

from core.document import Document, pydantic_words, unknown_key, validate
from core.yaml import YamlPath
from gateway.events.types import TypeGlobs
from gateway.rules.cel import CelEngine, Engine, InvalidExpression
from gateway.rules.conditions import Condition, compile_condition
from gateway.rules.model import RuleModel, StepModel
from gateway.rules.plan import Rule, Rules, Step
from gateway.rules.templates import Template, compile_template, new_liquid
from gateway.rules.values import (
    Constant,
    Entries,
    InvalidValue,
    TemplateCompiler,
    Value,
    compile_value,
)
from vendors.operation import Operation, Vendor
from vendors.provider import Provider
from vendors.wire import InvalidParams


def load_rules(
    document: Document,
    providers: Mapping[str, Provider],
    registry: Mapping[str, Vendor],
    keep: timedelta,
) -> Rules:
    """The rules of a configuration. Raises ConfigurationError with file, line and field."""
    return _Loader(document, providers, registry).load(keep)


class _Loader:
    def __init__(
        self,
        document: Document,
        providers: Mapping[str, Provider],
        registry: Mapping[str, Vendor],
    ) -> None:
        self._document = document
        self._providers = providers
        self._registry = registry
        self._engine: Engine = CelEngine()
        liquid = new_liquid()

        def template(source: str) -> Template:
            return compile_template(liquid, source)

        self._template: TemplateCompiler = template

    def load(self, keep: timedelta) -> Rules:
        section = self._document.data.get("rules", [])
        if not isinstance(section, list):
            raise self._document.error("expected a list of rules", ("rules",))
        rules: dict[str, Rule] = {}
        for index in range(len(section)):
            rule = self._rule(("rules", index))
            if rule.id in rules:
                first = list(rules).index(rule.id)
                problem = f"rules[{first}] has this id already"
                raise self._document.error(problem, ("rules", index, "id"))
            rules[rule.id] = rule
        return Rules(
            tuple(rules.values()),
            version=rules_version(self._document),
            keep=keep,
        )

    def _rule(self, path: YamlPath) -> Rule:
        model = validate(RuleModel, self._document, path)
        names = step_names(model)
        for index, name in enumerate(names):
            if name in names[:index]:
                raise self._document.error(
                    "another step of this rule has this id", (*path, "do", index, "id")
                )
        return Rule(
            id=model.id,
            on=TypeGlobs(model.on),
            condition=self._condition(model.when, (*path, "when")),
            steps=tuple(
                self._step(step, name, (*path, "do", index))
                for index, (step, name) in enumerate(zip(model.do, names, strict=True))
            ),
        )

    def _condition(self, source: str | None, path: YamlPath) -> Condition | None:
        if source is None:
            return None
        try:
            return compile_condition(self._engine, source)
        except InvalidExpression as error:
            raise self._document.error(str(error), path) from None

    def _step(self, model: StepModel, name: str, path: YamlPath) -> Step:
        provider_name, provider, operation = self._called(model.call, (*path, "call"))
        within = (*path, "with")
        self._check_names(model.params, operation, provider, within)
        values: dict[str, Value] = {}
        for key, raw in model.params.items():
            values[key] = self._value(raw, (*within, key))
            if isinstance(values[key], Constant):
                self._check_constant(operation, key, raw, (*within, key))
        constant = all(isinstance(value, Constant) for value in values.values())
        params: Value = Entries(values)
        if constant:
            params = self._prepared(model.params, operation, provider, within)
        return Step(
            id=name,
            provider_name=provider_name,
            provider=provider,
            operation=operation,
            params=params,
            constant=constant,
            lane=model.lane,
            expires=model.expires,
        )

    def _value(self, raw: Any, path: YamlPath) -> Value:
        try:
            return compile_value(raw, self._engine, self._template)
        except InvalidValue as error:
            raise self._document.error(error.problem, (*path, *error.path)) from None

    def _called(self, call: str, path: YamlPath) -> tuple[str, Provider, Operation]:
        provider_name, _, name = call.partition(".")
        provider = self._providers.get(provider_name)
        if provider is None:
            known = ", ".join(sorted(self._providers)) or "none"
            raise self._document.error(f"unknown provider; configured: {known}", path)
        operations = self._registry[provider.kind].operations
        if name not in operations:
            near = difflib.get_close_matches(name, operations, n=1, cutoff=0.6)
            if near:
                hint = f"did you mean {provider_name}.{near[0]}?"
            else:
                hint = f"`postern providers` lists those of {provider_name}"
            raise self._document.error(f"unknown call; {hint}", path)
        return provider_name, provider, operations[name]

    def _check_names(
        self,
        params: Mapping[str, Any],
        operation: Operation,
        provider: Provider,
        path: YamlPath,
    ) -> None:
        if issubclass(operation.model, RootModel):
            return
        fields = {
            field.alias or name: field for name, field in operation.model.model_fields.items()
        }
        if operation.model.model_config.get("extra") != "allow":
            for key in params:
                if key not in fields:
                    problem = unknown_key(key, list(fields)).replace("key", "parameter", 1)
                    raise self._document.error(problem, (*path, key))
        for key, field in fields.items():
            # What a provider says under the same name is its default (`db_id` of Altcraft).
            filled = key in params or getattr(provider, key, None) is not None
            if field.is_required() and not filled:
                raise self._document.error("this parameter is required", (*path, key))

    def _check_constant(self, operation: Operation, key: str, raw: Any, path: YamlPath) -> None:
        """Check one parameter by the type of its field alone; what hangs together is seen later."""
        for name, field in operation.model.model_fields.items():
            if key == (field.alias or name):
                only: Any = {name: (field.annotation, field)}
                config = operation.model.model_config
                try:
                    create_model("Parameter", __config__=config, **only).model_validate({key: raw})
                except ValidationError as error:
                    first = error.errors(include_url=False, include_input=False)[0]
                    problem = pydantic_words(dict(first))
                    raise self._document.error(problem, (*path, *first["loc"][1:])) from None

    def _prepared(
        self,
        params: Mapping[str, Any],
        operation: Operation,
        provider: Provider,
        path: YamlPath,
    ) -> Value:
        try:
            return Constant(operation.prepare(dict(params), provider))
        except InvalidParams as error:
            raise self._document.error(error.problem, (*path, error.field)) from None


def step_names(rule: RuleModel) -> tuple[str, ...]:
    """The ids of a rule's steps: their own, or the call's name and which use of it this is."""
    uses: Counter[str] = Counter()
    names: list[str] = []
    for step in rule.do:
        uses[step.call] += 1
        count = uses[step.call]
        names.append(step.id or (step.call if count == 1 else f"{step.call}#{count}"))
    return tuple(names)


def rules_version(document: Document) -> str:
    """A short hash of what decides: rules and providers as written (they hold no secrets)."""
    content = {key: document.data.get(key) for key in ("rules", "providers", "journal")}
    raw = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(raw.encode("ascii")).hexdigest()[:12]
