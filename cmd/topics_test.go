package cmd

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"homefleet/devices"
	"homefleet/devices/faces"
)

// ownTopics are the files outside of devices/faces that spell a topic which begins like one of
// a face, and why that is none of the devices'.
var ownTopics = map[string]string{
	"cmd/trynext.go":            "homefleet/try: where a line to paste wants its answer",
	"cmd/logins.go":             "homefleet/response: the Response Topics of requesters",
	"cmd/request.go":            "homefleet/response, likewise",
	"fleet/audit/auditor.go":    "homefleet/auditor: where devices answer the auditor",
	"fleet/preflight/broker.go": "homefleet/response, for its length",
	"fleet/load/controller.go":  "homefleet/response, the Response Topics of controllers",
}

// Where devices hear and say what, only their faces know: nobody else spells a topic.
func TestNoTopicIsSpelled(t *testing.T) {
	beginnings := make(map[string]bool)
	for _, f := range faces.All() {
		for _, k := range devices.Kinds() {
			hears, says, err := faces.Rehearse(f, k, "id")
			if err != nil {
				continue // it has no such devices
			}
			for _, line := range says {
				hears = append(hears, line.Topic)
			}
			for _, topic := range hears {
				level, _, ok := strings.Cut(topic, "/")
				if ok && level != "id" {
					beginnings[strings.TrimRight(level, "0123456789abcdef")] = true
				}
			}
		}
	}
	var all []string
	for b := range beginnings {
		all = append(all, regexp.QuoteMeta(b)+`[0-9a-f]*`)
	}
	if len(all) < 6 {
		t.Fatalf("topics begin with %q; want those of all faces", all)
	}
	spelled := regexp.MustCompile(`(^|[^a-zA-Z0-9_/.-])(` + strings.Join(all, "|") + `)/[^/]`)
	found := make(map[string]bool)
	for _, file := range filesOfModule(t) {
		if strings.HasPrefix(file.name, "devices/faces/") {
			continue
		}
		for _, text := range textsOf(file.tree) {
			if spelled.MatchString(text) {
				found[file.name] = true
				if ownTopics[file.name] == "" {
					t.Errorf("%s spells a topic: %.80q; want it from the face", file.name, text)
				}
			}
		}
	}
	for name := range ownTopics {
		if !found[name] {
			t.Errorf("%s spells no topic any more; take it off the list", name)
		}
	}
}

// textsOf returns the texts in a file, but for what it imports.
func textsOf(f *ast.File) (texts []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				texts = append(texts, text)
			}
		}
		return true
	})
	return texts
}
