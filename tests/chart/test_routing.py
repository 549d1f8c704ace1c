"""How events get in from outside."""

from __future__ import annotations

from tests.chart.rendering import CHART, Helm


def test_an_ingress_leads_to_the_gateways_service(helm: Helm) -> None:
    rendered = helm.render(CHART / "ci" / "ingress-values.yaml")
    (ingress,) = rendered.kind("Ingress")
    (rule,) = ingress["spec"]["rules"]
    service = rendered.one("Service", "shop-postern")
    for path in rule["http"]["paths"]:
        assert path["backend"]["service"] == {
            "name": service["metadata"]["name"],
            "port": {"name": service["spec"]["ports"][0]["name"]},
        }
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"secretName": "events-tls", "hosts": ["events.example.com"]}]


def test_a_route_leads_to_the_gateways_service(helm: Helm) -> None:
    rendered = helm.render(CHART / "ci" / "gateway-api-values.yaml")
    (route,) = rendered.kind("HTTPRoute")
    (rule,) = route["spec"]["rules"]
    service = rendered.one("Service", "shop-postern")
    assert rule["backendRefs"] == [
        {"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}
    ]
    assert route["spec"]["parentRefs"][0]["name"] == "public"


def test_what_operators_use_is_let_in_only_if_asked_for(helm: Helm) -> None:
    route = helm.render(CHART / "ci" / "gateway-api-values.yaml").kind("HTTPRoute")[0]
    paths = [each["path"]["value"] for each in route["spec"]["rules"][0]["matches"]]
    assert paths == ["/v1/events", "/v1/hooks", "/v1/callbacks"]
    ingress = helm.render(CHART / "ci" / "ingress-values.yaml").kind("Ingress")[0]
    asked = [each["path"] for each in ingress["spec"]["rules"][0]["http"]["paths"]]
    assert "/v1/operator" in asked
