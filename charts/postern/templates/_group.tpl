{{/*
The groups of consumers: a Deployment each, of one template. `consumers.split` makes them, `consumers.groups` changes them
or adds to them.
*/}}

{{/* The providers that the chart knows of, as a JSON list. */}}
{{- define "postern.providers" -}}
{{- if .Values.consumers.providers -}}
{{- .Values.consumers.providers | toJson -}}
{{- else -}}
{{- include "postern.configured" (dict "root" . "key" "providers") | fromJson | keys | sortAlpha | toJson -}}
{{- end -}}
{{- end -}}

{{/* The groups by name, as JSON: roles, providers, replicas, resources, autoscaling, pod. */}}
{{- define "postern.groups" -}}
{{- $consumers := .Values.consumers -}}
{{- $split := $consumers.split -}}
{{- $groups := dict -}}
{{- if eq $split "none" -}}
{{- $_ := set $groups "consumers" (dict "roles" (list "worker" "recorder" "scheduler")) -}}
{{- else if has $split (list "role" "provider") -}}
{{- $_ := set $groups "recorder" (dict "roles" (list "recorder")) -}}
{{- $_ := set $groups "scheduler" (dict "roles" (list "scheduler")) -}}
{{- if eq $split "role" -}}
{{- $_ := set $groups "worker" (dict "roles" (list "worker")) -}}
{{- else -}}
{{- range (include "postern.providers" . | fromJsonArray) -}}
{{- $_ := set $groups (printf "worker-%s" .) (dict "roles" (list "worker") "providers" (list .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $groups = mergeOverwrite $groups (deepCopy $consumers.groups) -}}
{{- $whole := dict -}}
{{- range $name, $group := $groups -}}
{{- $base := deepCopy (pick $consumers "replicas" "resources" "autoscaling" "pod") -}}
{{- $_ := set $whole $name (mergeOverwrite $base $group) -}}
{{- end -}}
{{- $whole | toJson -}}
{{- end -}}

{{/* The queues that a group works on, as a JSON list (core/broker/topology.py has their names). dict root, group */}}
{{- define "postern.queues" -}}
{{- $queues := list -}}
{{- if has "worker" .group.roles -}}
{{- range (.group.providers | default (include "postern.providers" .root | fromJsonArray)) -}}
{{- $provider := . -}}
{{- range (list "urgent" "normal" "bulk") -}}
{{- $queues = append $queues (printf "postern.%s.%s" $provider .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if has "recorder" .group.roles -}}
{{- $queues = append $queues "postern.recorder" -}}
{{- end -}}
{{- $queues | toJson -}}
{{- end -}}

{{/* Whether a group is scaled by KEDA: of schedulers one leads, more do not help. dict root, group */}}
{{- define "postern.scaled" -}}
{{- if and .group.autoscaling.enabled (or (has "worker" .group.roles) (has "recorder" .group.roles)) -}}true{{- end -}}
{{- end -}}
