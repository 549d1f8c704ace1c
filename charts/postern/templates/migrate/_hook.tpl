{{/* dict weight. What is left of an earlier try is replaced; what succeeded goes. */}}
{{- define "postern.hookAnnotations" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}
