"""What the fuzzers begin with: one right input of each kind, so that they need not find it out."""

from __future__ import annotations

_RULES = b"""
sources:
  a: {verify: {scheme: bearer, secrets: [{env: A}]}, events: ["*"]}
providers:
  sms: {kind: smsgateway24, token: {env: T}, device_id: 1, region: DE}
rules:
  - id: r
    on: a.*
    when: data.x > 1
    do: [{call: sms.send, with: {to: "${data.p}", text: "{{ data.n }}"}}]
"""
_PRESET = b"""
sources:
  a: {preset: shopify, verify: {secrets: [{file: /a, not_after: "2026-11-22T10:00:00Z"}]}}
"""
_MAP = b"""
sources:
  a:
    verify: {scheme: hmac, header: x, secrets: [{env: A}]}
    map: {type: a.b, id: "${body.id}"}
"""
SEEDS: dict[str, tuple[bytes, ...]] = {
    "cloudevents": (
        b'{"id":"1","type":"a","data":{}}',
        b'{"specversion":"1.0","id":"1","source":"/s","type":"a","data":{"a":[1,"x"]}}',
        b'[{"specversion":"1.0","id":"1","source":"/s","type":"a"}]',
    ),
    "signatures": (b"v1,AAAA",),
    "rules": (_RULES, _PRESET, _MAP),
    "expressions": (
        b"\x00Hello {{ data.name | upcase }}{% for i in data.items %}{{ i.sku }}{% endfor %}",
        b"\x01data.items.exists(i, i.n > 1) && data.total * 2.0 > 3.0 || has(data.deep.a)",
        b"\x02body.a[0].b + headers['x']",
        b'\x00{% if data.count > 2 %}{{ data.none | default: "x" }}{% endif %}',
        b"\x01size(data.name) > 3 ? data.deep.a.b.c : string(data.count)",
    ),
}
