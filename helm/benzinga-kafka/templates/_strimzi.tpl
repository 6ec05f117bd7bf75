{{/* Takes (list $ "component" "name"). Metadata of one of Strimzi's resources. */}}
{{- define "benzinga-kafka.strimziMetadata" -}}
{{- $root := index . 0 -}}
{{- $metadata := include "benzinga-kafka.metadata" (append . nil) | fromYaml -}}
{{- $_ := set $metadata "namespace" ($root.Values.strimzi.namespace | default $root.Release.Namespace) -}}
{{- $_ := set $metadata.labels "strimzi.io/cluster" $root.Values.strimzi.cluster -}}
{{- toYaml $metadata -}}
{{- end -}}

{{/* Takes a duration such as 30d or 1.5h: milliseconds. */}}
{{- define "benzinga-kafka.milliseconds" -}}
{{- $text := trim (toString .) -}}
{{- $number := regexFind "^[0-9.]+" $text | float64 -}}
{{- $unit := regexReplaceAll "^[0-9.]+\\s*" $text "" -}}
{{- $factor := get (dict "" 1 "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000) $unit -}}
{{- mulf $number (float64 $factor) | int64 -}}
{{- end -}}
