{{/* Combinations that cannot work. Each problem is a sentence that says what to do; all are told at once. */}}
{{- define "benzinga-kafka.guards" -}}
{{- $v := .Values -}}
{{- $config := $v.config -}}
{{- $problems := list -}}

{{- /* Secrets */ -}}
{{- if dig "feed" "token" "" $config -}}
{{- $problems = append $problems "config.feed.token would be readable by everybody who reads ConfigMaps; put it in a Secret and name that in secrets.token.existingSecret" -}}
{{- end -}}
{{- if and $v.secrets.token.existingSecret (dig "feed" "token_file" "" $config) -}}
{{- $problems = append $problems "config.feed.token_file and secrets.token.existingSecret are both set; keep one of the two" -}}
{{- end -}}
{{- if and $v.source.enabled (not $v.secrets.token.existingSecret) (not (dig "feed" "token_file" "" $config)) -}}
{{- $problems = append $problems "the source has no token; name a Secret in secrets.token.existingSecret, or a mounted file in config.feed.token_file" -}}
{{- end -}}
{{- range $group := list "kafka" "schema_registry" -}}
{{- range $key, $value := dig $group "options" dict $config -}}
{{- if and (regexMatch "(?i)password|secret|user\\.info|jaas|\\.pem$|token$|oauthbearer\\.config" $key) (not (regexMatch "(?i)endpoint|location|url$" $key)) -}}
{{- $problems = append $problems (printf "config.%s.options.%s would be readable by everybody who reads ConfigMaps; put it in a Secret and name that in secrets" $group $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $secret := list
  (dict "name" "sasl" "map" $v.secrets.sasl.options "group" "kafka")
  (dict "name" "tls" "map" $v.secrets.tls.locations "group" "kafka")
  (dict "name" "clientTls" "map" $v.secrets.clientTls.locations "group" "kafka")
  (dict "name" "registry" "map" $v.secrets.registry.options "group" "schema_registry")
  (dict "name" "registryTls" "map" $v.secrets.registryTls.locations "group" "schema_registry")
-}}
{{- if (get $v.secrets $secret.name).existingSecret -}}
{{- $used := list -}}
{{- range $property, $key := $secret.map -}}
{{- if $key -}}
{{- $used = append $used $property -}}
{{- if or (hasKey (dig $secret.group "options" dict $config) $property) (hasKey (dig $secret.group "options_files" dict $config) $property) -}}
{{- $problems = append $problems (printf "%s is in secrets.%s and in config.%s; keep one of the two" $property $secret.name $secret.group) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $used -}}
{{- $problems = append $problems (printf "secrets.%s.existingSecret is set and none of its keys is used; name them below it" $secret.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $protocol := dig "kafka" "options" "security.protocol" "PLAINTEXT" $config | upper -}}
{{- if and $v.secrets.sasl.existingSecret (not (hasPrefix "SASL_" $protocol)) -}}
{{- $problems = append $problems (printf "secrets.sasl is set and security.protocol is %s; set config.kafka.options.security.protocol to SASL_SSL or SASL_PLAINTEXT, and sasl.mechanism" $protocol) -}}
{{- end -}}
{{- if and (or $v.secrets.tls.existingSecret $v.secrets.clientTls.existingSecret) (not (hasSuffix "SSL" $protocol)) -}}
{{- $problems = append $problems (printf "secrets.tls or secrets.clientTls is set and security.protocol is %s; set config.kafka.options.security.protocol to SSL or SASL_SSL" $protocol) -}}
{{- end -}}
{{- if and $v.secrets.registryTls.existingSecret (not (hasPrefix "https" $config.schema_registry.url)) -}}
{{- $problems = append $problems "secrets.registryTls is set and config.schema_registry.url is not https" -}}
{{- end -}}

{{- /* What the chart decides */ -}}
{{- if dig "source" "journal" "dir" "" $config -}}
{{- $problems = append $problems (printf "config.source.journal.dir cannot be set: the chart mounts the journal's volume at %s" (include "benzinga-kafka.dataDir" .)) -}}
{{- end -}}
{{- range $path := list "processor.instance_id" "source.ownership.instance_id" -}}
{{- $node := $config -}}
{{- range splitList "." $path }}{{ $node = get ($node | default dict) . }}{{ end -}}
{{- if $node -}}
{{- $problems = append $problems (printf "config.%s would be the same in every pod, and they would push each other out; leave it to the chart" $path) -}}
{{- end -}}
{{- end -}}
{{- if hasPrefix "127." (dig "http" "host" "" $config) | or (eq "localhost" (dig "http" "host" "" $config)) -}}
{{- $problems = append $problems "config.http.host is a loopback address: probes and Prometheus could not reach the pods" -}}
{{- end -}}
{{- if eq "0" (include "benzinga-kafka.httpPort" .) -}}
{{- $problems = append $problems "config.http.port is 0, any free port: probes and Prometheus could not find it; set a number" -}}
{{- end -}}
{{- if and (regexMatch "(^|,)\\s*(localhost|127\\.)" $config.kafka.bootstrap_servers) (not $v.source.extraContainers) -}}
{{- $problems = append $problems "config.kafka.bootstrap_servers is the pod itself; name your brokers" -}}
{{- end -}}
{{- if and (regexMatch "//(localhost|127\\.)" $config.schema_registry.url) (not $v.source.extraContainers) -}}
{{- $problems = append $problems "config.schema_registry.url is the pod itself; name your registry" -}}
{{- end -}}

{{- /* Numbers that have to fit */ -}}
{{- if not (or $v.source.enabled $v.processor.enabled) -}}
{{- $problems = append $problems "source.enabled and processor.enabled are both false: nothing would run" -}}
{{- end -}}
{{- if lt (int $v.source.terminationGracePeriodSeconds) 30 -}}
{{- $problems = append $problems "source.terminationGracePeriodSeconds is below 30: a pod may need 25 to commit what is in flight, and would be killed" -}}
{{- end -}}
{{- if lt (int $v.processor.terminationGracePeriodSeconds) 30 -}}
{{- $problems = append $problems "processor.terminationGracePeriodSeconds is below 30: a pod may need 25 to commit what is in flight, and would be killed" -}}
{{- end -}}
{{- $journals := mul (include "benzinga-kafka.setting" (list . "source" "journal" "max_bytes" 1073741824) | int64) (include "benzinga-kafka.streams" . | fromJsonArray | len) -}}
{{- $size := include "benzinga-kafka.bytes" $v.source.persistence.size | int64 -}}
{{- if and $v.source.enabled (lt $size $journals) -}}
{{- $problems = append $problems (printf "source.persistence.size is %s, and the journals may take %d bytes (config.source.journal.max_bytes for each of config.feed.streams); make the volume larger or the journals smaller" $v.source.persistence.size $journals) -}}
{{- end -}}
{{- $partitions := include "benzinga-kafka.transcriptPartitions" . | int -}}
{{- if $v.processor.autoscaling.enabled -}}
{{- if gt (int $v.processor.autoscaling.minReplicas) (int $v.processor.autoscaling.maxReplicas) -}}
{{- $problems = append $problems "processor.autoscaling.minReplicas is above maxReplicas" -}}
{{- end -}}
{{- if gt (int $v.processor.autoscaling.minReplicas) $partitions -}}
{{- $problems = append $problems (printf "processor.autoscaling.minReplicas is above the %d partitions of transcripts; the rest would idle" $partitions) -}}
{{- end -}}
{{- else if and $v.processor.enabled (gt (int $v.processor.replicas) $partitions) -}}
{{- $problems = append $problems (printf "processor.replicas is %d, and transcripts has %d partitions; the rest would idle (config.topics.partitions)" (int $v.processor.replicas) $partitions) -}}
{{- end -}}

{{- /* One or the other */ -}}
{{- if and $v.processor.rules.items $v.processor.rules.existingConfigMap -}}
{{- $problems = append $problems "processor.rules.items and processor.rules.existingConfigMap are both set; keep one of the two" -}}
{{- end -}}
{{- if and (dig "processor" "rules" "" $config) (or $v.processor.rules.items $v.processor.rules.existingConfigMap) -}}
{{- $problems = append $problems "config.processor.rules and processor.rules are both set; keep one of the two" -}}
{{- end -}}
{{- if and $v.metrics.podMonitor.enabled $v.metrics.serviceMonitor.enabled -}}
{{- $problems = append $problems "metrics.podMonitor and metrics.serviceMonitor are both enabled: every pod would be scraped twice" -}}
{{- end -}}
{{- if and (or $v.strimzi.topics.enabled $v.strimzi.user.enabled) (not $v.strimzi.cluster) -}}
{{- $problems = append $problems "strimzi.cluster is empty; name the Kafka cluster that topics and user belong to" -}}
{{- end -}}
{{- if and $v.strimzi.user.enabled $v.provision.enabled $v.provision.hook -}}
{{- $problems = append $problems "strimzi.user.enabled needs provision.hook: false; a hook runs before the release's own user exists" -}}
{{- end -}}

{{- if $problems -}}
{{- fail (printf "\n\n%d thing(s) to mend in the values:\n- %s\n" (len $problems) (join "\n- " $problems)) -}}
{{- end -}}
{{- end -}}

{{/* A Kubernetes quantity (8Gi, 500M, 1e9 is not taken) in bytes. */}}
{{- define "benzinga-kafka.bytes" -}}
{{- $number := regexFind "^[0-9.]+" . | float64 -}}
{{- $unit := regexReplaceAll "^[0-9.]+" . "" -}}
{{- $factor := get (dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776) $unit -}}
{{- mulf $number (float64 $factor) | int64 -}}
{{- end -}}
