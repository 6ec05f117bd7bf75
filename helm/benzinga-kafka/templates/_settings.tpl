{{/* The settings file: `config` and what the chart itself decides, such as where secrets are mounted. */}}

{{- define "benzinga-kafka.configDir" -}}/etc/benzinga-kafka/config{{- end -}}
{{- define "benzinga-kafka.rulesDir" -}}/etc/benzinga-kafka/rules{{- end -}}
{{- define "benzinga-kafka.secretsDir" -}}/etc/benzinga-kafka/secrets{{- end -}}
{{- define "benzinga-kafka.dataDir" -}}/var/lib/benzinga-kafka{{- end -}}

{{/* The connector's own defaults, where templates need them. Takes (list $ "path" "to" "setting" default). */}}
{{- define "benzinga-kafka.setting" -}}
{{- $root := index . 0 -}}
{{- $node := $root.Values.config -}}
{{- $path := slice . 1 (sub (len .) 1 | int) -}}
{{- range $path -}}
{{- $node = ternary (get ($node | default dict) .) nil (hasKey ($node | default dict) .) -}}
{{- end -}}
{{- if kindIs "invalid" $node }}{{ last . }}{{ else if kindIs "float64" $node }}{{ int64 $node }}{{ else }}{{ $node }}{{ end -}}
{{- end -}}

{{- define "benzinga-kafka.httpPort" -}}{{ include "benzinga-kafka.setting" (list . "http" "port" 9108) }}{{- end -}}
{{- define "benzinga-kafka.prefix" -}}{{ include "benzinga-kafka.setting" (list . "topics" "prefix" "benzinga") }}{{- end -}}

{{/* Partitions of `transcripts`: more processors than that idle. */}}
{{- define "benzinga-kafka.transcriptPartitions" -}}
{{- $all := include "benzinga-kafka.setting" (list . "topics" "partitions" 6) -}}
{{- include "benzinga-kafka.setting" (list . "topics" "overrides" "transcripts" "partitions" $all) -}}
{{- end -}}

{{/* Streams, as JSON arrays: all there are, and those that are carried. */}}
{{- define "benzinga-kafka.allStreams" -}}
{{- $names := list -}}
{{- range (.Files.Get "files/topics.yaml" | fromYaml).topics -}}
{{- if .stream }}{{ $names = append $names .name }}{{ end -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}
{{- define "benzinga-kafka.streams" -}}
{{- dig "feed" "streams" (include "benzinga-kafka.allStreams" . | fromJsonArray) .Values.config | toJson -}}
{{- end -}}

{{/* The secrets that are in use, as JSON: directory → Secret and its keys. */}}
{{- define "benzinga-kafka.secretFiles" -}}
{{- $secrets := .Values.secrets -}}
{{- $found := dict -}}
{{- if $secrets.token.existingSecret -}}
{{- $_ := set $found "token" (dict "name" $secrets.token.existingSecret "keys" (list $secrets.token.key)) -}}
{{- end -}}
{{- range $directory, $secret := dict "sasl" $secrets.sasl "tls" $secrets.tls "client-tls" $secrets.clientTls "registry" $secrets.registry "registry-tls" $secrets.registryTls -}}
{{- if $secret.existingSecret -}}
{{- $keys := list -}}
{{- range $property, $key := $secret.options | default $secret.locations -}}
{{- if $key }}{{ $keys = append $keys $key }}{{ end -}}
{{- end -}}
{{- $_ := set $found $directory (dict "name" $secret.existingSecret "keys" ($keys | uniq | sortAlpha)) -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{/* Takes (list secret "directory" map): property → path, as JSON; empty without a Secret. */}}
{{- define "benzinga-kafka.paths" -}}
{{- $secret := index . 0 -}}{{- $directory := index . 1 -}}
{{- $paths := dict -}}
{{- if $secret.existingSecret -}}
{{- range $property, $key := index . 2 -}}
{{- if $key }}{{ $_ := set $paths $property (printf "%s/%s/%s" (include "benzinga-kafka.secretsDir" $) $directory $key) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toJson $paths -}}
{{- end -}}

{{/* The whole tree, as YAML. */}}
{{- define "benzinga-kafka.settings" -}}
{{- $secrets := .Values.secrets -}}
{{- $saslFiles := include "benzinga-kafka.paths" (list $secrets.sasl "sasl" $secrets.sasl.options) | fromJson -}}
{{- $tls := include "benzinga-kafka.paths" (list $secrets.tls "tls" $secrets.tls.locations) | fromJson -}}
{{- $clientTls := include "benzinga-kafka.paths" (list $secrets.clientTls "client-tls" $secrets.clientTls.locations) | fromJson -}}
{{- $registryFiles := include "benzinga-kafka.paths" (list $secrets.registry "registry" $secrets.registry.options) | fromJson -}}
{{- $registryTls := include "benzinga-kafka.paths" (list $secrets.registryTls "registry-tls" $secrets.registryTls.locations) | fromJson -}}
{{- $own := dict
  "kafka" (dict "options" (merge $tls $clientTls) "options_files" $saslFiles)
  "schema_registry" (dict "options" $registryTls "options_files" $registryFiles)
  "source" (dict "journal" (dict "dir" (printf "%s/journal" (include "benzinga-kafka.dataDir" .))))
-}}
{{- if $secrets.token.existingSecret -}}
{{- $_ := set $own "feed" (dict "token_file" (printf "%s/token/%s" (include "benzinga-kafka.secretsDir" .) $secrets.token.key)) -}}
{{- end -}}
{{- if include "benzinga-kafka.rulesConfigMap" . -}}
{{- $_ := set $own "processor" (dict "rules" (printf "%s/%s" (include "benzinga-kafka.rulesDir" .) .Values.processor.rules.key)) -}}
{{- end -}}
{{- range $group := list "kafka" "schema_registry" -}}
{{- range $part, $content := get $own $group -}}
{{- if not $content }}{{ $_ := unset (get $own $group) $part }}{{ end -}}
{{- end -}}
{{- end -}}
{{- merge $own (deepCopy .Values.config) | toYaml -}}
{{- end -}}

{{/* The ConfigMap with the alert rules; empty where `config.processor.rules` names a file that something else mounts.
It is mounted also while it holds no rules, so that the first rule needs no restart either. */}}
{{- define "benzinga-kafka.rulesConfigMap" -}}
{{- if .Values.processor.rules.existingConfigMap -}}
{{- .Values.processor.rules.existingConfigMap -}}
{{- else if not (dig "processor" "rules" "" .Values.config) -}}
{{- printf "%s-rules" (include "benzinga-kafka.fullname" .) -}}
{{- end -}}
{{- end -}}
