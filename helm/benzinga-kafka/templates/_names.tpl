{{/* Names and labels. */}}

{{- define "benzinga-kafka.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 40 characters at most: what is added ("-source-headless-0", a hash) has to fit into a label's 63. */}}
{{- define "benzinga-kafka.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "benzinga-kafka.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "benzinga-kafka.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The provisioning hook runs before the release's own ServiceAccount is made, and so has one of its own. */}}
{{- define "benzinga-kafka.provisionServiceAccountName" -}}
{{- if and .Values.serviceAccount.create .Values.provision.hook -}}
{{- printf "%s-provision" (include "benzinga-kafka.fullname" .) -}}
{{- else -}}
{{- include "benzinga-kafka.serviceAccountName" . -}}
{{- end -}}
{{- end -}}

{{/* Takes (list $ "component"). What never changes over a release's life. */}}
{{- define "benzinga-kafka.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "benzinga-kafka.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Takes (list $ "component"). */}}
{{- define "benzinga-kafka.labels" -}}
{{- $root := index . 0 -}}
{{ include "benzinga-kafka.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/part-of: benzinga-kafka
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes (list $ "component" "name" annotations). Name, labels and annotations of an object. */}}
{{- define "benzinga-kafka.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "benzinga-kafka.labels" . | nindent 2 }}
{{- with merge (dict) (index . 3 | default dict) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What makes an object part of a hook that runs before install and upgrade. Takes the weight. */}}
{{- define "benzinga-kafka.provisionHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{- define "benzinga-kafka.image" -}}
{{- $name := .Values.image.repository -}}
{{- with .Values.image.registry }}{{ $name = printf "%s/%s" . $name }}{{ end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Takes (list $ "component" "name" labels). As `benzinga-kafka.metadata`, with further labels. */}}
{{- define "benzinga-kafka.monitoringMetadata" -}}
{{- include "benzinga-kafka.metadata" (list (index . 0) (index . 1) (index . 2) nil) | fromYaml | merge (dict "labels" (index . 3)) | toYaml -}}
{{- end -}}
