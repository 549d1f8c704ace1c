{{/* Names, labels and the image. Selectors are immutable once a workload stands: name, instance and component, never more. */}}

{{- define "postern.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Room is left for the longest component, `worker-` and a provider's name. */}}
{{- define "postern.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "postern.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* dict root, component */}}
{{- define "postern.componentName" -}}
{{- printf "%s-%s" (include "postern.fullname" .root) .component | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* dict root, component */}}
{{- define "postern.selector" -}}
app.kubernetes.io/name: {{ include "postern.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end -}}

{{/* Of pods: without the chart's version, so that a new chart for the same Postern restarts nothing. dict root, component */}}
{{- define "postern.podLabels" -}}
{{ include "postern.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: postern
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* dict root, component */}}
{{- define "postern.labels" -}}
{{ include "postern.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The component that takes events. */}}
{{- define "postern.front" -}}
{{- ternary "embedded" "gateway" .Values.embedded.enabled -}}
{{- end -}}

{{- define "postern.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "postern.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "postern.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "postern.configMapName" -}}
{{- .Values.existingConfigMap | default (include "postern.fullname" .) -}}
{{- end -}}

{{/* Whether the Secret is made with the release: then hooks, which run before it, need one of their own. */}}
{{- define "postern.makesSecret" -}}
{{- if or .Values.secrets.create .Values.secrets.externalSecret.enabled -}}true{{- end -}}
{{- end -}}

{{/* Empty: there is none, which only the embedded form can do with. */}}
{{- define "postern.secretName" -}}
{{- if .Values.secrets.existingSecret -}}
{{- .Values.secrets.existingSecret -}}
{{- else if include "postern.makesSecret" . -}}
{{- include "postern.fullname" . -}}
{{- end -}}
{{- end -}}
