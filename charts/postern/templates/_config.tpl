{{/* The configuration as files, for the ConfigMap and for the copy that hooks need. Secrets are never among them. */}}
{{- define "postern.configFiles" -}}
postern.yaml: |
  {{- .Values.config | nindent 2 }}
{{- range $name, $text := .Values.configFiles }}
{{ $name }}: |
  {{- $text | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The spec of the ExternalSecret, for the Secret and for the copy that hooks need. dict root, target */}}
{{- define "postern.externalSecretSpec" -}}
{{- $external := .root.Values.secrets.externalSecret -}}
refreshInterval: {{ $external.refreshInterval }}
secretStoreRef:
  name: {{ $external.storeRef.name | quote }}
  kind: {{ $external.storeRef.kind }}
target:
  name: {{ .target }}
  creationPolicy: Owner
{{- with $external.data }}
data:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $external.dataFrom }}
dataFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
What stands in the configuration under one key, by name, as JSON: `providers` or `sources`. Little else is read of it: Helm
reads YAML 1.1, where `on:` is true and `NO` is false, so the text is handed on as it is. dict root, key
*/}}
{{- define "postern.configured" -}}
{{- $key := .key -}}
{{- $found := dict -}}
{{- $texts := list .root.Values.config -}}
{{- range $name, $text := .root.Values.configFiles -}}
{{- if and (hasSuffix ".yaml" $name) (not (hasSuffix ".test.yaml" $name)) -}}
{{- $texts = append $texts $text -}}
{{- end -}}
{{- end -}}
{{- range $texts -}}
{{- $data := fromYaml . -}}
{{- if hasKey $data "Error" -}}
{{- fail (printf "the configuration is no YAML: %s" $data.Error) -}}
{{- end -}}
{{- with get $data $key -}}
{{- if kindIs "map" . -}}
{{- $found = merge $found . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}
