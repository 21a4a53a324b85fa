package deploy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Kubernetes returns manifests for `kubectl apply -f -`: the scenario as a ConfigMap, the
// collector as a Job with a Service, and the shards as an Indexed Job. Secrets are named, and
// how they are made is told.
func Kubernetes(p *Plan) (string, error) {
	if len(p.Scenario.Text) > mostConfig {
		return "", fmt.Errorf("the scenario has %d bytes, and a ConfigMap takes some %d", len(p.Scenario.Text), mostConfig)
	}
	return fill(manifests, p)
}

// mostConfig is how large the data of a ConfigMap may be, with some left for the rest of it
// (1 MiB: kubernetes.io, Concepts, ConfigMaps).
const mostConfig = 1<<20 - 16<<10

// Key is the name of a further file in its Secret, where a name has no directories.
func (Plan) Key(file string) string { return strings.ReplaceAll(file, "/", "_") }

// Args are the arguments of a shard, in JSON, which is YAML.
func (p *Plan) Args() string {
	return list(append(p.command("/scenario/"+p.Scenario.Name), "--collector", fmt.Sprintf("http://%s-collector:%d", p.Name, collectorPort),
		"--collector-patience", collectorPatience))
}

// collectorPatience is how long a shard waits for a collector that is started on another node.
const collectorPatience = "10m"

// CollectorArgs are those of the collector.
func (p *Plan) CollectorArgs() string {
	return list([]string{"collect", "--shards", fmt.Sprint(p.Shards), "--listen", fmt.Sprintf("0.0.0.0:%d", collectorPort), "--run", p.Run})
}

// Memory is what a shard asks for.
func (p *Plan) Memory() string { return fmt.Sprintf("%dMi", p.memory()) }

// Seconds is the longest time.
func (p *Plan) Seconds() int { return int(p.Longest.Seconds()) }

// Token is the variable of the token, Port that of the collector.
func (Plan) Token() string { return tokenVariable }

// Port is where the collector listens.
func (Plan) Port() int { return collectorPort }

func list(all []string) string {
	words := make([]string, len(all))
	for i, word := range all {
		words[i] = quoted(strings.ReplaceAll(word, "$(", "$$(")) // Kubernetes would put variables in
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// quoted is a text as a scalar of YAML.
func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// literal is a text as a literal block of YAML, whose lines have so many spaces before them. What
// cannot be in one is quoted.
func literal(spaces int, text string) string {
	for _, r := range text {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0x85 || r == 0xfeff || r == 0x2028 || r == 0x2029 || r >= 0x80 && r < 0xa0 {
			return quoted(text)
		}
	}
	if !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") || text == "\n" {
		return quoted(text) // a block ends with one line feed, unless it says otherwise
	}
	indent := strings.Repeat(" ", spaces)
	var b strings.Builder
	b.WriteString("|2") // more than the key, whatever the first line begins with
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		b.WriteString("\n")
		if line != "" {
			b.WriteString(indent + line)
		}
	}
	return b.String()
}

// manifests is a template for a Plan.
const manifests = `# {{.Shards}} shards of {{.Scenario.Name}} against {{.Broker}}, and the collector that has them begin
# together and judges the whole. Look it over, then: homefleet deploy kubernetes … | kubectl apply -f -
#
# Before it, once: who takes part has to know a token.
#
#   head -c 18 /dev/urandom | base64 | tr -d '\n' | kubectl{{.InNamespace}} create secret generic {{.Name}}-token --from-file=token=/dev/stdin{{if .Password}}
#
# And the password of the broker, which the scenario has from {{.Password}}:
#
#   kubectl{{.InNamespace}} create secret generic {{.Name}}-password --from-file=password=FILE{{end}}{{if .Files}}
#
# And the files that the scenario names:
#
#   kubectl{{.InNamespace}} create secret generic {{.Name}}-files{{range .Files}} --from-file={{$.Key .}}={{.}}{{end}}{{end}}
#
# The verdict is the collector's: its log is the result, its exit code that of a run in one process.
#
#   kubectl{{.InNamespace}} logs --follow job/{{.Name}}-collector
#   kubectl{{.InNamespace}} get job {{.Name}}-collector
#
# If a collector was lost and replaced, the result is in the log of the last:
#
#   kubectl{{.InNamespace}} logs --selector app={{.Name}},part=collector --tail=-1
#
# All but the secrets goes with what follows, and has to before the same name is used again: a Job
# that is there is not run once more.
#
#   kubectl{{.InNamespace}} delete job/{{.Name}} job/{{.Name}}-collector service/{{.Name}}-collector configmap/{{.Name}}-scenario
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{.Name}}-scenario
{{- template "where" .}}
data:
  {{quoted .Scenario.Name}}: {{literal 4 .Scenario.Text}}
---
# Shards find the collector by this name.
apiVersion: v1
kind: Service
metadata:
  name: {{.Name}}-collector
{{- template "where" .}}
spec:
  selector:
    app: {{.Name}}
    part: collector
  ports:
    - name: http
      port: {{.Port}}
      targetPort: {{.Port}}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{.Name}}-collector
{{- template "where" .}}
spec:
  # A collector that is lost is started again and goes on: run and token are the same, and the
  # shards keep their results for ten minutes, until it has them. If its node is lost that is when
  # Kubernetes knows that the pod is dead: the node is deleted, or marked as out of service.
  backoffLimit: 3
  activeDeadlineSeconds: {{.Seconds}}
  podFailurePolicy:
    rules:
      # What it says of the run is said: 1 no result, or a shard was lost; 2 bad usage; 3 an
      # expectation failed; 130 it or a shard was told to end.
      - action: FailJob
        onExitCodes:
          containerName: homefleet
          operator: In
          values: [1, 2, 3, 130]
      - action: Ignore
        onPodConditions:
          - type: DisruptionTarget
            status: "True"
  template:
    metadata:
      labels:
        app: {{.Name}}
        part: collector
    spec:
{{- template "pod"}}
      # One that is told to end has the shards stop, and gathers what they have.
      terminationGracePeriodSeconds: 60
      # If its node is not heard of it is given up after half a minute, not after the usual five.
      tolerations:
        - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 30}
        - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 30}
      containers:
        - name: homefleet
          image: {{quoted .Image}}
          args: {{.CollectorArgs}}
{{- template "container"}}
          env:
            - name: {{.Token}}
              valueFrom:
                secretKeyRef:
                  name: {{.Name}}-token
                  key: token
          ports:
            - name: http
              containerPort: {{.Port}}
          resources:
            requests:
              # It needs little; pods that ask for nothing are the first that a full node ends.
              memory: 64Mi
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{.Name}}
{{- template "where" .}}
spec:
  # Each pod is one shard, and finds its number in JOB_COMPLETION_INDEX.
  completionMode: Indexed
  completions: {{.Shards}}
  parallelism: {{.Shards}}
  # A shard that is lost is replaced, and joins again. Where one cannot be had the others go on: the
  # collector tells which is missing.
  backoffLimitPerIndex: 3
  # Never two pods with the same client ids: they would take each other's sessions over.
  podReplacementPolicy: Failed
  activeDeadlineSeconds: {{.Seconds}}
  podFailurePolicy:
    rules:
      # 2 bad usage: all shards would say the same. 1 no result: another try of this one would.
      # 75 says that the collector did not answer yet, and is tried again, as what was killed is.
      - action: FailJob
        onExitCodes:
          containerName: homefleet
          operator: In
          values: [2]
      - action: FailIndex
        onExitCodes:
          containerName: homefleet
          operator: In
          values: [1]
      - action: Ignore
        onPodConditions:
          - type: DisruptionTarget
            status: "True"
  template:
    metadata:
      labels:
        app: {{.Name}}
        part: shard
    spec:
{{- template "pod"}}
      # A shard that is told to end delivers its result first.
      terminationGracePeriodSeconds: 60
      # Each node has file descriptors, ports and a network of its own.
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app: {{.Name}}
              part: shard
      containers:
        - name: homefleet
          image: {{quoted .Image}}
          args: {{.Args}}
{{- template "container"}}
          env:
            - name: {{.Token}}
              valueFrom:
                secretKeyRef:
                  name: {{.Name}}-token
                  key: token
            # The image serves the control of a run beyond its pod, which nobody asks of a shard.
            - name: HOMEFLEET_CONTROL
              value: ""
{{- if .Password}}
            - name: {{.Password}}
              valueFrom:
                secretKeyRef:
                  name: {{.Name}}-password
                  key: password
{{- end}}
          resources:
            requests:
              # Some {{.Devices}} devices in {{.Shards}} shards; a measurement wants a core, or it measures the wait for one.
              cpu: "1"
              memory: {{.Memory}}
          volumeMounts:
            - name: scenario
              mountPath: /scenario
              readOnly: true
      volumes:
        - name: scenario
          projected:
            sources:
              - configMap:
                  name: {{.Name}}-scenario
{{- if .Files}}
              - secret:
                  name: {{.Name}}-files
                  items:
{{- range .Files}}
                    - key: {{quoted ($.Key .)}}
                      path: {{quoted .}}
{{- end}}
{{- end}}
{{define "pod"}}
      restartPolicy: Never
      # It asks the cluster for nothing, and its variables are those below alone.
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
{{- end}}
{{- define "container"}}
          securityContext:
            allowPrivilegeEscalation: false
            capabilities:
              drop: ["ALL"]
{{- end}}
{{- define "where"}}
{{- if .Namespace}}
  namespace: {{.Namespace}}
{{- end}}
  labels:
    app: {{.Name}}
{{- end}}`

// InNamespace is the flag of kubectl for the namespace.
func (p *Plan) InNamespace() string {
	if p.Namespace == "" {
		return ""
	}
	return " --namespace " + p.Namespace
}
