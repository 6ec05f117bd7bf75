{{/* Takes (list $ "settings ConfigMap" "service account"). The Job's spec. */}}
{{- define "benzinga-kafka.provisionSpec" -}}
{{- $root := index . 0 -}}{{- $values := $root.Values.provision -}}
backoffLimit: {{ int $values.backoffLimit }}
activeDeadlineSeconds: {{ int $values.activeDeadlineSeconds }}
template:
  metadata:
    {{- include "benzinga-kafka.podMetadata" (list $root $values "provision") | nindent 4 }}
  spec:
    restartPolicy: Never
    {{- include "benzinga-kafka.podSpec" (list $root $values "provision" (index . 2)) | nindent 4 }}
    containers:
      - name: provision
        {{- include "benzinga-kafka.container" (list $root $values (list "provision")) | nindent 8 }}
        {{- with $values.extraEnv }}
        env:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        volumeMounts:
          {{- include "benzinga-kafka.mounts" (list $root $values false false) | nindent 10 }}
    volumes:
      {{- include "benzinga-kafka.volumes" (list $root $values false false (index . 1)) | nindent 6 }}
{{- end -}}
