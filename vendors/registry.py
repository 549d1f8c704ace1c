"""The vendors that this program knows. A new vendor is one package and one line here."""

from __future__ import annotations

from vendors.altcraft import ALTCRAFT
from vendors.operation import Vendor
from vendors.smsgateway24 import SMSGATEWAY24

VENDORS: dict[str, Vendor] = {vendor.kind: vendor for vendor in (ALTCRAFT, SMSGATEWAY24)}
