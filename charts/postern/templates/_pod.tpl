{{/*
What the pods of every workload have in common. Each has one container, of the one image; the arguments say what it does.
*/}}

{{/* What holds for the pods of one workload, as JSON. dict root, pod */}}
{{- define "postern.podValues" -}}
{{- mergeOverwrite (deepCopy .root.Values.pod) (deepCopy (.pod | default dict)) | toJson -}}
{{- end -}}

{{/* dict root, component, pod */}}
{{- define "postern.podMetadata" -}}
{{- $pod := include "postern.podValues" . | fromJson -}}
labels:
  {{- include "postern.podLabels" . | nindent 2 }}
  {{- with $pod.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- /* No checksum of the ConfigMap: a changed configuration is taken over by running pods. */}}
{{- with $pod.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The restricted Pod Security Standard. 10001 is the user of the image. */}}
{{- define "postern.podSecurity" -}}
automountServiceAccountToken: false
# Else a Service named postern adds POSTERN_SERVICE_HOST and the like to the environment, which Postern refuses to start
# with: an unknown POSTERN_ variable is a mistyped one.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "postern.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* dict root, component, pod, workload (Deployment or StatefulSet) */}}
{{- define "postern.placement" -}}
{{- $pod := include "postern.podValues" . | fromJson -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $pod.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .workload }}
topologySpreadConstraints:
{{- if $pod.topologySpreadConstraints }}
  {{- toYaml $pod.topologySpreadConstraints | nindent 2 }}
{{- else }}
{{- range (list "topology.kubernetes.io/zone" "kubernetes.io/hostname") }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "postern.selector" $ | nindent 8 }}
    {{- if eq $.workload "Deployment" }}
    # Of a rollout, old pods do not count: they go.
    matchLabelKeys: [pod-template-hash]
    {{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Under autoscaling: as many as run now, which Helm asks the cluster; nothing where none runs yet. Else the first upgrade with
autoscaling would take the field away, which is 1, and so set a running release to one pod. dict root, kind, name
*/}}
{{- define "postern.runningReplicas" -}}
{{- with lookup "apps/v1" .kind .root.Release.Namespace .name -}}
replicas: {{ .spec.replicas | int }}
{{- end -}}
{{- end -}}

{{/* One variable out of the Secret. dict name, secret, key */}}
{{- define "postern.secretEnv" -}}
- name: {{ .name | quote }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret | quote }}
      key: {{ .key | quote }}
{{- end -}}

{{/* Where broker and journal are: the embedded form has its own. dict root, secret */}}
{{- define "postern.serverEnv" -}}
{{- if not .root.Values.embedded.enabled -}}
{{- $keys := .root.Values.secrets.keys -}}
{{ include "postern.secretEnv" (dict "name" "POSTERN_BROKER" "secret" .secret "key" $keys.broker) }}
{{ include "postern.secretEnv" (dict "name" "POSTERN_JOURNAL" "secret" .secret "key" $keys.journal) }}
{{- end -}}
{{- end -}}

{{/* dict root, component, pod, env: more lines */}}
{{- define "postern.env" -}}
{{- $root := .root -}}
{{- $secret := include "postern.secretName" $root -}}
{{- $pod := include "postern.podValues" . | fromJson -}}
- name: POSTERN_CONFIG
  value: /etc/postern
- name: POSTERN_ADMIN
  value: ":9080"
- name: POSTERN_LOG_FORMAT
  value: json
- name: POSTERN_LOG_LEVEL
  value: {{ $root.Values.logLevel }}
{{- with $root.Values.traces.endpoint }}
- name: POSTERN_TRACES
  value: otlp
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with include "postern.serverEnv" (dict "root" $root "secret" $secret) }}
{{ . }}
{{- end }}
{{- with .env }}
{{ . }}
{{- end }}
{{- range $name, $key := $root.Values.secrets.env }}
{{ include "postern.secretEnv" (dict "name" $name "secret" $secret "key" $key) }}
{{- end }}
{{- with $pod.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What the side that takes events has besides. */}}
{{- define "postern.frontEnv" -}}
- name: POSTERN_LISTEN
  value: ":8080"
- name: POSTERN_GRACE
  value: {{ include "postern.grace" . }}s
{{- with .Values.secrets.keys.operators }}
- name: POSTERN_OPERATOR_KEYS
  value: file:/run/secrets/postern/{{ . }}
{{- end }}
{{- end -}}

{{/* dict root, component, pod */}}
{{- define "postern.mounts" -}}
{{- $pod := include "postern.podValues" . | fromJson -}}
# The whole directory, no subPath: the kubelet swaps a symlink in it, which running processes see.
- name: config
  mountPath: /etc/postern
  readOnly: true
{{- if include "postern.secretName" .root }}
- name: secrets
  mountPath: /run/secrets/postern
  readOnly: true
{{- end }}
- name: tmp
  mountPath: /tmp
{{- with $pod.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* dict root, component, pod */}}
{{- define "postern.volumes" -}}
{{- $pod := include "postern.podValues" . | fromJson -}}
- name: config
  configMap:
    name: {{ include "postern.configMapName" .root | quote }}
{{- with include "postern.secretName" .root }}
- name: secrets
  secret:
    secretName: {{ . | quote }}
    # 0440, in a way that every reader of YAML takes for the same number.
    defaultMode: 288
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with $pod.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
All on the admin port. Only the liveness probe ends a container, and it asks whether the event loop turns, nothing else: a
broker that is away must not restart anybody. A process that first opens a large file of its own is given more seconds to
start: if it were ended meanwhile, it would begin anew each time. dict start: seconds
*/}}
{{- define "postern.probes" -}}
startupProbe:
  httpGet:
    path: /livez
    port: admin
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: {{ div .start 2 }}
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  httpGet:
    path: /livez
    port: admin
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}
