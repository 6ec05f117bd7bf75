{{/* The brokers' ports, as a JSON array. */}}
{{- define "benzinga-kafka.kafkaPorts" -}}
{{- $ports := list -}}
{{- range splitList "," .Values.config.kafka.bootstrap_servers -}}
{{- $ports = append $ports (regexFind ":[0-9]+\\s*$" . | trimPrefix ":" | trim | default "9092" | int) -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

{{/* Takes a URL, or several with commas between: their ports as a JSON array. */}}
{{- define "benzinga-kafka.urlPorts" -}}
{{- $ports := list -}}
{{- range splitList "," . -}}
{{- $url := urlParse (trim .) -}}
{{- $usual := ternary 443 80 (has $url.scheme (list "https" "wss")) -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (toString $usual) | int) -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}
