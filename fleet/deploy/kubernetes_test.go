package deploy

import (
	"strings"
	"testing"
)

// Kubernetes puts variables into arguments where $(NAME) stands, and takes $$ for one $.
func TestArgumentsAreTakenAsTheyAre(t *testing.T) {
	text, err := Kubernetes(&Plan{Name: "n", Scenario: File{Name: "a$(HOSTNAME) $x.toml", Text: "x\n"}, Shards: 1, Broker: "mqtt://h/$(y)", Run: "r", Image: "i"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"/scenario/a$$(HOSTNAME) $x.toml"`, `"mqtt://h/$$(y)"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the manifests have no %s", want)
		}
	}
}
