{{/* One rule of egress. dict to (list of peers, empty: anywhere), ports, protocols */}}
{{- define "postern.egressRule" -}}
- ports:
    {{- range $port := .ports }}
    {{- range $.protocols }}
    - port: {{ $port | int }}
      protocol: {{ . }}
    {{- end }}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* dict root, to: names among dns, broker, journal, traces, providers */}}
{{- define "postern.egress" -}}
{{- range .to }}
{{- if or (ne . "traces") $.root.Values.traces.endpoint }}
{{- $place := get $.root.Values.networkPolicy . }}
{{- $protocols := ternary (list "UDP" "TCP") (list "TCP") (eq . "dns") }}
{{ include "postern.egressRule" (dict "to" $place.to "ports" $place.ports "protocols" $protocols) }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Who may read metrics. The kubelet's probes are let through by every network, whatever stands here. Ports are numbers: not
every network knows the names of ports.
*/}}
{{- define "postern.adminIngress" -}}
{{- with .Values.networkPolicy.monitoringFrom }}
- ports:
    - port: 9080
      protocol: TCP
  from:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}
