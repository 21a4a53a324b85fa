// Command deploy decodes manifests on stdin strictly, with the types that Kubernetes itself
// has: a key that it does not know, or a value of another type, is an error. It prints what
// there is.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	for _, one := range bytes.Split(text, []byte("\n---\n")) {
		var what struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := yaml.Unmarshal(one, &what); err != nil {
			fail(err)
		}
		var object any
		switch what.Kind {
		case "ConfigMap":
			object = new(core.ConfigMap)
		case "Service":
			object = new(core.Service)
		case "Job":
			object = new(batch.Job)
		default:
			fail(fmt.Errorf("a %q; want what deploy prints", what.Kind))
		}
		if err := yaml.UnmarshalStrict(one, object); err != nil {
			fail(fmt.Errorf("%s %s: %w", what.Kind, what.Metadata.Name, err))
		}
		if job, ok := object.(*batch.Job); ok {
			check(job)
		}
		fmt.Println(what.Kind, what.Metadata.Name)
	}
}

// check looks at what the API server refuses in jobs with a policy for failures.
func check(j *batch.Job) {
	pod := &j.Spec.Template.Spec
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken || pod.EnableServiceLinks == nil || *pod.EnableServiceLinks {
		fail(fmt.Errorf("job %s: pods are given a token of the cluster, or variables of its services", j.Name))
	}
	if pod.RestartPolicy != core.RestartPolicyNever || j.Spec.PodFailurePolicy == nil || len(pod.Containers) != 1 {
		fail(fmt.Errorf("job %s: restart policy %s, %d containers", j.Name, pod.RestartPolicy, len(pod.Containers)))
	}
	for _, rule := range j.Spec.PodFailurePolicy.Rules {
		if on := rule.OnExitCodes; on != nil && *on.ContainerName != pod.Containers[0].Name {
			fail(fmt.Errorf("job %s: a rule is of container %s", j.Name, *on.ContainerName))
		}
	}
	volumes := make(map[string]bool)
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, m := range pod.Containers[0].VolumeMounts {
		if !volumes[m.Name] {
			fail(fmt.Errorf("job %s: there is no volume %s", j.Name, m.Name))
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "deploy:", err)
	os.Exit(1)
}
