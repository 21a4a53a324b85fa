package cmd

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
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
	for _, dir := range []string{"cmd", "devices", "fleet", "scenarios"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, d fs.DirEntry, err error) error {
			name := strings.TrimPrefix(filepath.ToSlash(path), "../")
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "devices/faces/") {
				return err
			}
			for _, text := range textsOf(t, path) {
				if spelled.MatchString(text) {
					found[name] = true
					if ownTopics[name] == "" {
						t.Errorf("%s spells a topic: %.80q; want it from the face", name, text)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range ownTopics {
		if !found[name] {
			t.Errorf("%s spells no topic any more; take it off the list", name)
		}
	}
}

// textsOf returns the texts in a file, but for what it imports.
func textsOf(t *testing.T, path string) (texts []string) {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
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
