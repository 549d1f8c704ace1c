{{/*
What the schema cannot say: values that are each right and do not go together. One list, so that somebody who reads it
knows every combination that is refused; each has a file in tests/chart/refused/.
*/}}

{{- define "postern.check" -}}
{{- if and .Values.config .Values.existingConfigMap -}}
{{- fail "give either config or existingConfigMap, not both" -}}
{{- end -}}
{{- if and .Values.configFiles .Values.existingConfigMap -}}
{{- fail "configFiles goes with config; with existingConfigMap, put the files there" -}}
{{- end -}}
{{- if not (or .Values.config .Values.existingConfigMap) -}}
{{- fail "there is no configuration: give config or existingConfigMap" -}}
{{- end -}}
{{- if hasKey .Values.configFiles "postern.yaml" -}}
{{- fail "configFiles: postern.yaml is what config becomes" -}}
{{- end -}}
{{- include "postern.checkSecrets" . -}}
{{- include "postern.checkEnv" . -}}
{{- $read := or .Values.monitoring.serviceMonitor.enabled (and .Values.monitoring.podMonitor.enabled (not .Values.embedded.enabled)) -}}
{{- if and .Values.networkPolicy.enabled $read (not .Values.networkPolicy.monitoringFrom) -}}
{{- fail "networkPolicy: nobody may read metrics, but monitoring is on: give networkPolicy.monitoringFrom" -}}
{{- end -}}
{{- if and .Values.ingress.enabled .Values.httpRoute.enabled -}}
{{- fail "ingress and httpRoute exclude each other: which one is meant?" -}}
{{- end -}}
{{- if .Values.embedded.enabled -}}
{{- include "postern.checkEmbedded" . -}}
{{- else -}}
{{- include "postern.checkGroups" . -}}
{{- include "postern.checkSpool" . -}}
{{- if gt (.Values.gateway.autoscaling.minReplicas | int) (.Values.gateway.autoscaling.maxReplicas | int) -}}
{{- fail "gateway.autoscaling: minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "postern.checkSecrets" -}}
{{- $secrets := .Values.secrets -}}
{{- $given := 0 -}}
{{- range (list $secrets.existingSecret $secrets.create $secrets.externalSecret.enabled) -}}
{{- if . -}}{{- $given = add1 $given -}}{{- end -}}
{{- end -}}
{{- if gt ($given | int) 1 -}}
{{- fail "secrets: give one of existingSecret, externalSecret and create" -}}
{{- end -}}
{{- if and (not $given) (or (not .Values.embedded.enabled) $secrets.env $secrets.keys.operators .Values.test.enabled) -}}
{{- fail "secrets: give existingSecret (or externalSecret, or for a trial create)" -}}
{{- end -}}
{{- if and $secrets.create (not $secrets.trial) -}}
{{- fail "secrets.create keeps the secrets readable in the release: for a trial, say so with secrets.trial" -}}
{{- end -}}
{{- if and $secrets.values (not $secrets.create) -}}
{{- fail "secrets.values goes with secrets.create; secrets do not belong into values otherwise" -}}
{{- end -}}
{{- if $secrets.create -}}
{{- range (include "postern.neededKeys" . | fromJsonArray) -}}
{{- if not (hasKey $secrets.values .) -}}
{{- fail (printf "secrets.values: there is no %s" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $external := $secrets.externalSecret -}}
{{- if and $external.enabled (not (or $external.data $external.dataFrom)) -}}
{{- fail "secrets.externalSecret: give data or dataFrom" -}}
{{- end -}}
{{- end -}}

{{/*
The keys that the chart itself reads of the Secret, as a JSON list. Which files the configuration names, it does not know.
*/}}
{{- define "postern.neededKeys" -}}
{{- $keys := .Values.secrets.keys -}}
{{- $needed := list -}}
{{- if not .Values.embedded.enabled -}}
{{- $needed = list $keys.broker $keys.journal -}}
{{- range (include "postern.groups" . | fromJson) -}}
{{- if include "postern.scaled" (dict "group" .) -}}
{{- $needed = append $needed $keys.brokerManagement -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $keys.operators -}}
{{- $needed = append $needed $keys.operators -}}
{{- end -}}
{{- if .Values.test.enabled -}}
{{- $needed = append $needed .Values.test.secretKey -}}
{{- end -}}
{{- concat $needed (values .Values.secrets.env | sortAlpha) | uniq | toJson -}}
{{- end -}}

{{- define "postern.checkEmbedded" -}}
{{- if or .Values.gateway.autoscaling.enabled .Values.consumers.autoscaling.enabled -}}
{{- fail "embedded is one process on one volume: nothing of it can be scaled" -}}
{{- end -}}
{{- if .Values.gateway.spool.enabled -}}
{{- fail "embedded has its queues on its volume: it needs no spool" -}}
{{- end -}}
{{- if and .Values.test.enabled .Values.test.source -}}
{{- fail "test.source: a source that signs cannot ask what became of its event, and no other pod can read the embedded journal; use a source with a bearer key" -}}
{{- end -}}
{{- end -}}

{{/* Every role runs somewhere, every provider is served by some worker, and nobody serves one that is not there. */}}
{{- define "postern.checkGroups" -}}
{{- $known := include "postern.providers" . | fromJsonArray -}}
{{- if and (eq .Values.consumers.split "provider") (not $known) -}}
{{- fail "consumers.split is provider, but the chart knows of none: give consumers.providers" -}}
{{- end -}}
{{- $roles := list -}}
{{- $served := list -}}
{{- $every := false -}}
{{- $root := . -}}
{{- $names := dict -}}
{{- range $name, $group := (include "postern.groups" . | fromJson) -}}
{{- $workload := include "postern.componentName" (dict "root" $root "component" $name) -}}
{{- with get $names $workload -}}
{{- fail (printf "consumers: the groups %s and %s would both be called %s, cut at 63 characters: choose shorter names, or consumers.groups of your own" . $name $workload) -}}
{{- end -}}
{{- $_ := set $names $workload $name -}}
{{- if not $group.roles -}}
{{- fail (printf "consumers.groups.%s has no roles" $name) -}}
{{- end -}}
{{- $roles = concat $roles $group.roles -}}
{{- if and $group.providers (ne (join "," $group.roles) "worker") -}}
{{- fail (printf "consumers.groups.%s: providers are for a group whose only role is worker" $name) -}}
{{- end -}}
{{- if has "worker" $group.roles -}}
{{- $served = concat $served ($group.providers | default list) -}}
{{- if not $group.providers -}}{{- $every = true -}}{{- end -}}
{{- end -}}
{{- if and (include "postern.scaled" (dict "group" $group)) (has "worker" $group.roles) (not (or $group.providers $known)) -}}
{{- fail (printf "consumers.groups.%s is scaled by its queues, but the chart knows of no provider: give consumers.providers" $name) -}}
{{- end -}}
{{- if gt ($group.autoscaling.minReplicas | int) ($group.autoscaling.maxReplicas | int) -}}
{{- fail (printf "consumers.groups.%s.autoscaling: minReplicas is more than maxReplicas" $name) -}}
{{- end -}}
{{- end -}}
{{- range (list "worker" "recorder" "scheduler") -}}
{{- if not (has . $roles) -}}
{{- fail (printf "no group of consumers has the role %s: it must run somewhere" .) -}}
{{- end -}}
{{- end -}}
{{- range $served -}}
{{- if and $known (not (has . $known)) -}}
{{- fail (printf "a group of consumers serves the provider %s, which is not configured" .) -}}
{{- end -}}
{{- end -}}
{{- if not $every -}}
{{- range $known -}}
{{- if not (has . $served) -}}
{{- fail (printf "no group of consumers serves the provider %s" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A gateway refuses to start with such a source and no spool, so none of them would. */}}
{{- define "postern.checkSpool" -}}
{{- if not .Values.gateway.spool.enabled -}}
{{- range $name, $source := (include "postern.configured" (dict "root" . "key" "sources") | fromJson) -}}
{{- if kindIs "map" $source -}}
{{- if eq (toString $source.durability) "spool" -}}
{{- fail (printf "the source %s says durability: spool, and no gateway starts without one: give gateway.spool.enabled" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A second value for a variable would win or lose without a word. */}}
{{- define "postern.checkEnv" -}}
{{- $own := list -}}
{{- range (list "CONFIG" "LISTEN" "ADMIN" "BROKER" "JOURNAL" "DATA" "SPOOL" "GRACE" "LOG_LEVEL" "LOG_FORMAT" "OPERATOR_KEYS") -}}
{{- $own = append $own (printf "POSTERN_%s" .) -}}
{{- end -}}
{{- if .Values.traces.endpoint -}}
{{- $own = concat $own (list "POSTERN_TRACES" "OTEL_EXPORTER_OTLP_ENDPOINT") -}}
{{- end -}}
{{- $pods := list .Values.pod .Values.gateway.pod .Values.consumers.pod .Values.migrate.pod .Values.embedded.pod -}}
{{- range .Values.consumers.groups -}}
{{- $pods = append $pods (.pod | default dict) -}}
{{- end -}}
{{- range $pods -}}
{{- range (.extraEnv | default list) -}}
{{- if has .name $own -}}
{{- fail (printf "extraEnv: %s has a value of its own in this chart" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range (keys .Values.secrets.env | sortAlpha) -}}
{{- if has . $own -}}
{{- fail (printf "secrets.env: %s has a value of its own in this chart" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
