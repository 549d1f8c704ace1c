"""The examples of a vendor: one for every operation, and each is right."""

from __future__ import annotations

from typing import Any

import pytest

from vendors.examples import FRESH, filled
from vendors.operation import Vendor
from vendors.registry import VENDORS

ALTCRAFT = (
    "url, token, resource_id, db_id, db_custom_field, stsegment_id, dynsegment_id, segment_id, "
    "suplist_id, template_id, campaign_id, workflow_id, pixel_id, loyalty_id, vsender_id, "
    "profile_id, smid, subscription_id, rtoken, launch_id, product_id, sku_id, order_external_id, "
    "order_internal_id, line_id, market_endpoint, market_region, market_category, market_currency"
)
"""The vendor's page, Collection Variables List, in its order."""

EVERY = [(vendor, name) for vendor in VENDORS.values() for name in vendor.operations]
each_vendor = pytest.mark.parametrize("vendor", VENDORS.values(), ids=lambda it: it.kind)


def values(vendor: Vendor) -> dict[str, str | int]:
    return {name: it.value for name, it in vendor.examples.variables.items()}


@pytest.mark.parametrize(
    ("vendor", "name"), EVERY, ids=lambda it: it if isinstance(it, str) else it.kind
)
def test_every_operation_has_an_example_that_it_takes(vendor: Vendor, name: str) -> None:
    """With the default values, which are numbers where the parameter is one."""
    examples = vendor.examples
    settings: dict[str, Any] = filled(dict(examples.settings), values(vendor))
    provider = vendor.provider.model_validate({**settings, "url": "https://example.com"})
    params = filled(examples.params[name], values(vendor))
    operation = vendor.operations[name]
    prepared = operation.prepare(params, provider)
    assert operation.guard(prepared, provider) is None


@each_vendor
def test_nothing_is_shown_or_saved_of_an_operation_that_is_not_there(vendor: Vendor) -> None:
    examples = vendor.examples
    assert set(examples.params) == set(vendor.operations)
    assert set(examples.saves) | examples.silent <= set(vendor.operations)


@each_vendor
def test_what_an_answer_gives_is_a_variable(vendor: Vendor) -> None:
    saved = {name for found in vendor.examples.saves.values() for name in found}
    assert saved
    assert saved <= set(vendor.examples.variables)


@each_vendor
def test_texts_that_stand_for_different_variables_are_different(vendor: Vendor) -> None:
    """Else a request that is built with them could not tell which one it holds."""
    texts = [it.value for it in vendor.examples.variables.values() if isinstance(it.value, str)]
    named = [it for it in texts if it != "sandbox"]
    assert len(set(named)) == len(named)


def test_variables_of_different_vendors_have_different_names() -> None:
    """They stand in one collection."""
    names = [name for vendor in VENDORS.values() for name in vendor.examples.variables]
    assert len(set(names)) == len(names)
    assert not set(names) & set(FRESH)


def test_altcrafts_variables_are_named_as_in_its_own_collection() -> None:
    """An environment that somebody made for that collection fits."""
    known = list(VENDORS["altcraft"].examples.variables)
    assert known[: len(ALTCRAFT.split(", "))] == ALTCRAFT.split(", ")


def test_a_variable_that_stands_alone_keeps_its_type() -> None:
    """Numbers stay numbers, also within lists and names; what is fresh stays as it is."""
    written = {"{{field}}": ["{{id}}", "no {{id}}", "{{tag}}"], "other": 5}
    assert filled(written, {"field": "CRM_ID", "id": 7}) == {
        "CRM_ID": [7, "no 7", "{{tag}}"],
        "other": 5,
    }


def test_an_unknown_variable_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        filled({"id": "{{no_such}}"}, {})
