"""The variables of the vendor's own collection, under its names (Altcraft, Importing the API
collection in Postman), with what the sandbox knows as their defaults.

All of its list is here, used or not, so that an environment made for that collection fits. What
must not go in: variables of other vendors, and credentials.
"""

from __future__ import annotations

from vendors.examples import Variable

VARIABLES = {
    "url": Variable(
        value="http://127.0.0.1:8181/altcraft", meaning="the platform, with https://, without /api"
    ),
    "token": Variable(value="sandbox", meaning="API token"),
    "resource_id": Variable(value=1, meaning="resource"),
    "db_id": Variable(value=1, meaning="profile database"),
    "db_custom_field": Variable(
        value="CRM_ID", meaning="custom field of the database, of type integer"
    ),
    "stsegment_id": Variable(value=7, meaning="static segment"),
    "dynsegment_id": Variable(value=8, meaning="dynamic segment"),
    "segment_id": Variable(value=7, meaning="static or dynamic segment"),
    "suplist_id": Variable(value=1, meaning="suppression list; suppresses/add gives one"),
    "template_id": Variable(value=1, meaning="message template"),
    "campaign_id": Variable(value=8, meaning="mailing"),
    "workflow_id": Variable(value=8, meaning="scenario"),
    "pixel_id": Variable(value=4, meaning="pixel"),
    "loyalty_id": Variable(value=1, meaning="loyalty program"),
    "vsender_id": Variable(value=14, meaning="virtual sender"),
    "profile_id": Variable(
        value="5f4fa1a5ce9448665fef5401", meaning="profile; profiles/import gives one"
    ),
    "smid": Variable(
        value="smid-1", meaning="a sent message: X-AKMTA-FSMID of its header; answers do not say it"
    ),
    "subscription_id": Variable(value="device-1", meaning="push token"),
    "rtoken": Variable(value="sandbox-rtoken", meaning="token of the resource"),
    "launch_id": Variable(value="launch-1", meaning="a send, unique within its mailing"),
    "product_id": Variable(value="product-1", meaning="the shop's own id of a product"),
    "sku_id": Variable(value="sku-1", meaning="the shop's own id of an SKU"),
    "order_external_id": Variable(value="order-1001", meaning="the shop's own id of an order"),
    "order_internal_id": Variable(
        value=1, meaning="the platform's id of an order; market/orders/import gives one"
    ),
    "line_id": Variable(value="line-1", meaning="the shop's own id of an order's line"),
    "market_endpoint": Variable(value="website", meaning="touchpoint"),
    "market_region": Variable(value="region-1", meaning="region"),
    "market_category": Variable(value="category-1", meaning="category of a product or SKU"),
    "market_currency": Variable(value="EUR", meaning="currency"),
    "copied_vsender_id": Variable(
        value=16, meaning="ours: the virtual sender that vsenders/clone made"
    ),
}
