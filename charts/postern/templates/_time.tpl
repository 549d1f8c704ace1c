{{/*
How long a pod has to end. The parts are added here and nowhere else, so that they add up by construction: what kills a
pod too early makes senders see broken connections, or leaves calls of which nobody knows the outcome.
*/}}

{{/* A duration (`500ms`, `10s`, `5m`, `2h`, `30d`) in whole seconds, rounded up. */}}
{{- define "postern.seconds" -}}
{{- $text := toString . -}}
{{- if not (regexMatch "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$" $text) -}}
{{- fail (printf "expected a duration such as 500ms, 10s, 5m, 2h or 30d, not %q" $text) -}}
{{- end -}}
{{- $number := regexFind "^[0-9.]+" $text | float64 -}}
{{- $unit := regexFind "[a-z]+$" $text -}}
{{- $size := get (dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0) $unit -}}
{{- mulf $number $size | ceil | int -}}
{{- end -}}

{{/* What a gateway takes after its grace to answer what it has begun (Limits.drain) and to close its connections. */}}
{{- define "postern.gatewayFinish" -}}10{{- end -}}

{{/* What a worker takes beyond its longest call (ConsumerSettings.drain_margin), and to write the outcome down. */}}
{{- define "postern.consumerFinish" -}}15{{- end -}}

{{/*
With a spool the preStop hook waits for the spool, and nobody would wait for the load balancers: then the grace does.
*/}}
{{- define "postern.grace" -}}
{{- $grace := include "postern.seconds" .Values.gateway.grace | int -}}
{{- if .Values.gateway.spool.enabled -}}
{{- $grace = add $grace (include "postern.seconds" .Values.gateway.preStop | int) -}}
{{- end -}}
{{- $grace -}}
{{- end -}}

{{/* Before SIGTERM. */}}
{{- define "postern.gatewayPreStop" -}}
{{- if .Values.gateway.spool.enabled -}}
{{- include "postern.seconds" .Values.gateway.spool.drain -}}
{{- else -}}
{{- include "postern.seconds" .Values.gateway.preStop -}}
{{- end -}}
{{- end -}}

{{- define "postern.gatewayTermination" -}}
{{- $least := add (include "postern.gatewayPreStop" .) (include "postern.grace" .) (include "postern.gatewayFinish" .) -}}
{{- include "postern.termination" (dict "what" "gateway" "given" .Values.gateway.terminationGracePeriodSeconds "least" $least) -}}
{{- end -}}

{{/* The longest call to a provider. A provider without `timeout` has 10s. */}}
{{- define "postern.providerTimeout" -}}
{{- if .Values.consumers.providerTimeout -}}
{{- include "postern.seconds" .Values.consumers.providerTimeout -}}
{{- else -}}
{{- $longest := 10 -}}
{{- range $name, $provider := (include "postern.configured" (dict "root" . "key" "providers") | fromJson) -}}
{{- if and (kindIs "map" $provider) $provider.timeout -}}
{{- $longest = max $longest (include "postern.seconds" $provider.timeout | int) -}}
{{- end -}}
{{- end -}}
{{- $longest -}}
{{- end -}}
{{- end -}}

{{- define "postern.consumerTermination" -}}
{{- $least := add (include "postern.providerTimeout" .) (include "postern.consumerFinish" .) -}}
{{- include "postern.termination" (dict "what" "consumers" "given" .Values.consumers.terminationGracePeriodSeconds "least" $least) -}}
{{- end -}}

{{/* The gateway's side ends first, then the consumers'. */}}
{{- define "postern.embeddedTermination" -}}
{{- $gateway := add (include "postern.seconds" .Values.gateway.grace) (include "postern.gatewayFinish" .) -}}
{{- $least := add $gateway (include "postern.providerTimeout" .) (include "postern.consumerFinish" .) -}}
{{- include "postern.termination" (dict "what" "embedded" "given" .Values.embedded.terminationGracePeriodSeconds "least" $least) -}}
{{- end -}}

{{/* dict what, given, least */}}
{{- define "postern.termination" -}}
{{- $given := .given | int -}}
{{- if and $given (lt $given (.least | int)) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %d, but ending takes up to %d" .what $given (.least | int)) -}}
{{- end -}}
{{- $given | default .least -}}
{{- end -}}
