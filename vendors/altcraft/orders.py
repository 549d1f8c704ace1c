"""`market/orders/...`: orders and their lines. An order is keyed by the shop's own id, so importing
it again changes nothing. What must not go in: products."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from vendors.altcraft import order
from vendors.altcraft.batch import MOST, itemised
from vendors.altcraft.call import Call, Keep
from vendors.altcraft.contact import Line, wrong
from vendors.altcraft.matching import FINDING, FindingFields, Mode, check_found
from vendors.altcraft.provider import AltcraftProvider, Id
from vendors.altcraft.values import Fields, Moment
from vendors.effect import Effect, Target
from vendors.parameters import StrictParams
from vendors.wire import Params

_PRICE = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)


def _price(value: Any) -> Any:
    """Prices travel as text, as in the vendor's examples."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _PRICE.fullmatch(text):
        raise ValueError("expected a price such as 900 or 899.90")
    return text


Price = Annotated[str, BeforeValidator(_price)]


class OrderLine(StrictParams):
    """One line of an order."""

    external_id: Line = Field(description="the shop's own id")
    status: Line | None = Field(None, description="status of the line")
    product: Line | None = Field(None, description="product")
    base_price_per_item: Price | None = Field(None, description="price before discounts")
    min_price_per_item: Price | None = Field(None, description="lowest price")
    final_price_per_item: Price | None = Field(None, description="price paid")
    count: int | None = Field(None, ge=0, le=2**31 - 1, description="how many")
    custom_fields: Fields | None = Field(None, description="fields of the shop's own")


class Order(FindingFields):
    """One order, and whose it is."""

    external_id: Line = Field(description="the shop's own id")
    endpoint: Line | None = Field(None, description="touchpoint")
    region: Line | None = Field(None, description="region")
    tags: list[Line] | None = Field(None, description="tags")
    status: Line | None = Field(None, description="new, delivered, ...")
    delivery_cost: Price | None = Field(None, description="cost of the delivery")
    total_price: Price | None = Field(None, description="price of it all")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(
        None, description="currency, three letters"
    )
    create_time: Moment | None = Field(None, description="when it was placed, RFC 3339")
    custom_fields: Fields | None = Field(None, description="fields of the shop's own")
    lines: list[OrderLine] | None = Field(None, description="what was ordered")

    @model_validator(mode="after")
    def _is_somebodys(self) -> Order:
        given = {name for name in FINDING if getattr(self, name) is not None}
        if given or self.matching is not None:
            check_found(Mode(self.matching or "email"), given)
        return self


class CustomField(StrictParams):
    """A field of the shop's own that is created if it is not there."""

    external_id: Line = Field(description="the shop's own id")
    name: Line = Field(description="its name")
    entity_type: Line = Field(description="what it belongs to: order, line_order, ...")
    required: bool | None = Field(None, description="whether it must be given")
    value_type: Line | None = Field(None, description="type of its values, such as unicode")
    default_value: JsonValue = Field(None, description="value where none is given")


class LineStatus(StrictParams):
    """A status of lines that is created if it is not there."""

    external_id: Line = Field(description="the shop's own id")
    name: Line = Field(description="its name")
    type: Literal["delivered", "canceled", "refunded", "in_process"] = Field(
        description="what it means"
    )


class ImportParams(StrictParams):
    """What `market/orders/import` takes."""

    custom_fields: list[CustomField] | None = Field(None, description="fields to create")
    custom_line_statuses: list[LineStatus] | None = Field(None, description="statuses to create")
    skip_triggers: bool | None = Field(None, description="suppress trigger events")
    data: list[Order] = Field(min_length=1, max_length=MOST, description="orders")


class ListParams(StrictParams):
    """What `market/orders/list` takes."""

    from_id: str | None = Field(None, description="where the page before ended (next_from_id)")
    limit: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None, description="most that one answer holds"
    )
    endpoint: Line | None = Field(None, description="only of this touchpoint")


class StatusParams(StrictParams):
    """What `market/orders/get_status` takes."""

    id: Id | None = Field(None, description="the platform's id of the order")
    external_id: Line | None = Field(None, description="the shop's own id")

    @model_validator(mode="after")
    def _names_one(self) -> StatusParams:
        if (self.id is None) == (self.external_id is None):
            raise wrong("expected either id or external_id", "external_id")
        return self


def _name(provider: AltcraftProvider, item: Params) -> str:
    return order.thing(provider, "order", item["external_id"])


def _sets(params: Params, provider: AltcraftProvider) -> Effect:
    """An order is told as a whole: of two versions of it the newer one counts."""
    names = tuple(sorted({_name(provider, item) for item in params["data"]}))
    targets = tuple(Target(entity=name, fields=frozenset({"*"})) for name in names)
    return Effect(order_keys=names, targets=targets)


def _less(params: Params, keep: Keep, provider: AltcraftProvider) -> Params:
    return {**params, "data": [it for it in params["data"] if keep.get(_name(provider, it))]}


ORDERS = (
    Call(
        name="market/orders/import",
        summary="Create or update orders.",
        source="Altcraft, Import order and item statuses (56249746)",
        model=ImportParams,
        repeatable=True,
        sets=_sets,
        less=_less,
        conclude=itemised(repeatable=True, always=False),
    ),
    Call(
        name="market/orders/list",
        summary="Read the orders, page by page.",
        source="Altcraft, Get orders list (56249749)",
        model=ListParams,
        repeatable=True,
    ),
    Call(
        name="market/orders/get_status",
        summary="Read the status of an order.",
        source="Altcraft, Get order status",
        model=StatusParams,
        repeatable=True,
    ),
)
