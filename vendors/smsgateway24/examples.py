"""An example of every call of the gateway, and its variables. What must not go in: credentials."""

from __future__ import annotations

from vendors.examples import Examples, Variable
from vendors.wire import Params

VARIABLES = {
    "sms_url": Variable(
        value="http://127.0.0.1:8181/smsgateway24", meaning="where the API is, without /getdata"
    ),
    "sms_token": Variable(value="sandbox", meaning="the account's token; gettoken gives one"),
    "sms_email": Variable(value="shop@example.com", meaning="email of the login"),
    "sms_password": Variable(value="sandbox-password", meaning="password of the login"),
    "device_id": Variable(value=260, meaning="the phone that sends"),
    "phone": Variable(value="+491713920003", meaning="who gets the texts"),
    "sms_id": Variable(value=62807347, meaning="a text; addsms gives one"),
    "tag_id": Variable(value=8303, meaning="a tag of contacts; savetag gives one"),
}

_TEXT = {"sendto": "{{phone}}", "body": "Your order 1001 is on its way."}

PARAMS: dict[str, Params] = {
    "gettoken": {},
    "getalldevices": {},
    "getdevicestatus": {"device_id": "{{device_id}}"},
    "send": {"to": "{{phone}}", "text": "Your order 1001 is being packed."},
    "addsms": {**_TEXT, "device_id": "{{device_id}}", "sim": 0, "urgent": 1},
    "smstosend": {**_TEXT, "device_id": "{{device_id}}"},
    "addalotofsms": {
        "smsdata": [
            {**_TEXT, "device_id": "{{device_id}}"},
            {
                "sendto": "{{phone}}",
                "body": "Your order 1002 is on its way.",
                "device_id": "{{device_id}}",
                "timetosend": "2030-01-01 08:00:00",
            },
        ]
    },
    "getsmsstatus": {"sms_id": "{{sms_id}}"},
    "getallsms": {"phone": "{{phone}}", "device_id": "{{device_id}}", "orderbydesc": True},
    "savetag": {"title": "Customers"},
    "savecontact": {"phone": "{{phone}}", "tag_id": "{{tag_id}}", "fullname": "Ida"},
    "savepaket": {
        "title": "Sale",
        "body": "All lamps at half their price.",
        "tags": ["{{tag_id}}"],
        "device_id": "{{device_id}}",
    },
}

EXAMPLES = Examples(
    params=PARAMS,
    variables=VARIABLES,
    url="{{sms_url}}",
    secrets={
        "token": "{{sms_token}}",
        "email": "{{sms_email}}",
        "password": "{{sms_password}}",
    },
    settings={
        # A login and the token it gave: calls of either kind can be shown.
        "email": {"env": "SMS_EMAIL"},
        "password": {"env": "SMS_PASSWORD"},
        "device_id": "{{device_id}}",
        "region": "DE",
    },
    saves={
        "gettoken": {"sms_token": "token"},
        "addsms": {"sms_id": "sms_id"},
        "savetag": {"tag_id": "tag_id"},
    },
    silent=frozenset({"getalldevices"}),
)
