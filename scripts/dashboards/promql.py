"""PromQL for panels: every expression heeds the variable `namespace` and has a value on an idle
system, too.

What must not go in: numbers that an alert decides by (they stand with the panel, as its limit).
"""

from __future__ import annotations

_WINDOW = "$__rate_interval"
_NAMESPACE = 'namespace=~"$namespace"'
"""`All` is `.*` there, which matches a series without the label as well."""

OF_PROVIDER = 'provider=~"$provider"'


def series(name: str, *matchers: str) -> str:
    return f"{name}{{{', '.join((_NAMESPACE, *matchers))}}}"


def total(name: str, *matchers: str, by: str = "") -> str:
    return or_zero(f"sum{_by(by)} ({series(name, *matchers)})", by)


def greatest(name: str, *matchers: str, by: str = "") -> str:
    return or_zero(f"max{_by(by)} ({series(name, *matchers)})", by)


def least(name: str, *matchers: str, by: str = "") -> str:
    return or_zero(f"min{_by(by)} ({series(name, *matchers)})", by)


def per_second(name: str, *matchers: str, by: str = "") -> str:
    return or_zero(f"sum{_by(by)} (rate({series(name, *matchers)}[{_WINDOW}]))", by)


def increase(name: str, *matchers: str, by: str = "", over: str = "$__range") -> str:
    """Rounded, since Prometheus extrapolates."""
    return or_zero(f"round(sum{_by(by)} (increase({series(name, *matchers)}[{over}])))", by)


def share(part: str, whole: str, by: str = "") -> str:
    """Of two sums of rates; nothing of nothing is 0."""
    return or_zero(f"{part} / {whole} > 0", by)


def rate(name: str, *matchers: str, by: str = "", over: str = _WINDOW) -> str:
    """As a part of something: without a fallback."""
    return f"sum{_by(by)} (rate({series(name, *matchers)}[{over}]))"


def quantile(q: float, histogram: str, *matchers: str, by: str = "") -> str:
    """Of what was observed lately; 0 where nothing was, for every series that is there."""
    labels = f"{by}, le" if by else "le"
    bucket = series(f"{histogram}_bucket", *matchers)
    count = series(f"{histogram}_count", *matchers)
    found = f"histogram_quantile({q:g}, sum by ({labels}) (rate({bucket}[{_WINDOW}]))) > 0"
    return or_zero(f"{found} or sum{_by(by)} ({count}) * 0" if by else found, by)


def or_zero(expr: str, by: str = "") -> str:
    """An idle system has no series of what has not happened yet: `none` is 0 then."""
    if not by:
        return f"{expr} or on() vector(0)"
    label, *_ = by.split(", ")
    return f'{expr} or on() label_replace(vector(0), "{label}", "none", "", "")'


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""
