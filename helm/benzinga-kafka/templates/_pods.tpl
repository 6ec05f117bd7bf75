{{/* What the pods of all components have in common. */}}

{{/* Takes (list $ values "component"). Annotations of a pod; a changed setting changes them, and so rolls the pods. */}}
{{- define "benzinga-kafka.podMetadata" -}}
{{- $root := index . 0 -}}{{- $values := index . 1 -}}
labels:
  {{- /* Not the chart's version: a chart that changes nothing of a pod must not roll it. */}}
  {{- include "benzinga-kafka.selectorLabels" (list $root (index . 2)) | nindent 2 }}
  app.kubernetes.io/version: {{ $root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | quote }}
  {{- with merge (dict) $values.podLabels $root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/settings: {{ include "benzinga-kafka.settings" $root | sha256sum }}
  {{- with merge (dict) $values.podAnnotations $root.Values.commonAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Takes (list $ values "component" "service account"). What stands beside the containers in a pod's spec. */}}
{{- define "benzinga-kafka.podSpec" -}}
{{- $root := index . 0 -}}{{- $values := index . 1 -}}
serviceAccountName: {{ index . 3 }}
automountServiceAccountToken: false
# Services of the namespace are no business of ours; their variables could be taken for settings.
enableServiceLinks: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ int . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $selector := include "benzinga-kafka.selectorLabels" (list $root (index . 2)) | fromYaml }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- list (merge (dict) . (dict "labelSelector" (dict "matchLabels" $selector))) | toYaml | nindent 2 }}
  {{- end }}
{{- end }}
{{- with $values.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Takes (list $ values arguments). The connector's container, up to its environment, ports, probes and mounts. */}}
{{- define "benzinga-kafka.container" -}}
{{- $root := index . 0 -}}{{- $values := index . 1 -}}
image: {{ include "benzinga-kafka.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args: {{ concat (index . 2) (list "--config" (printf "%s/settings.yaml" (include "benzinga-kafka.configDir" $root))) | toJson }}
{{- with $root.Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Takes (list $ values token rules). What every container of ours mounts. Directories, never single files: only these
follow what is rotated. */}}
{{- define "benzinga-kafka.mounts" -}}
{{- $root := index . 0 -}}{{- $values := index . 1 -}}
- {name: settings, mountPath: {{ include "benzinga-kafka.configDir" $root }}, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if include "benzinga-kafka.secretSources" (list $root (index . 2)) }}
- {name: secrets, mountPath: {{ include "benzinga-kafka.secretsDir" $root }}, readOnly: true}
{{- end }}
{{- if and (index . 3) (include "benzinga-kafka.rulesConfigMap" $root) }}
- {name: rules, mountPath: {{ include "benzinga-kafka.rulesDir" $root }}, readOnly: true}
{{- end }}
{{- with $values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes (list $ values token rules "settings ConfigMap"). The volumes of `benzinga-kafka.mounts`. */}}
{{- define "benzinga-kafka.volumes" -}}
{{- $root := index . 0 -}}{{- $values := index . 1 -}}
- name: settings
  configMap: {name: {{ index . 4 }}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- with include "benzinga-kafka.secretSources" (list $root (index . 2)) }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- if index . 3 }}
{{- with include "benzinga-kafka.rulesConfigMap" $root }}
- name: rules
  configMap: {name: {{ . }}}
{{- end }}
{{- end }}
{{- with $values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes (list $ token). Sources of a projected volume: each Secret's keys in a directory of their own. */}}
{{- define "benzinga-kafka.secretSources" -}}
{{- $token := index . 1 -}}
{{- range $directory, $secret := include "benzinga-kafka.secretFiles" (index . 0) | fromJson }}
{{- if or $token (ne $directory "token") }}
- secret:
    name: {{ $secret.name }}
    items:
      {{- range $secret.keys }}
      - {key: {{ . | quote }}, path: {{ printf "%s/%s" $directory . | quote }}}
      {{- end }}
{{- end }}
{{- end }}
{{- end -}}
