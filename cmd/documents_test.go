package cmd

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Somebody who comes to the project is to read the README to its end.
const readmeSize = 16 << 10

func TestReadmeIsShort(t *testing.T) {
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > readmeSize {
		t.Errorf("README.md has %d bytes; want at most %d", len(b), readmeSize)
	}
}

var (
	fences   = regexp.MustCompile("(?ms)^```.*?^```")
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ (.+)$`)
	anchors  = regexp.MustCompile(`<a id="([^"]+)">`)
	dropped  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchorsOf returns what a link into a document may name: its headings as GitHub
// calls them, and what it names itself.
func anchorsOf(text string) map[string]bool {
	all := make(map[string]bool)
	for _, m := range headings.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
		all[strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	for _, m := range anchors.FindAllStringSubmatch(text, -1) {
		all[m[1]] = true
	}
	return all
}

// Every link from one document to another leads to a file that is there, and to a
// heading of it.
func TestLinksOfDocumentsResolve(t *testing.T) {
	var names []string
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(name) == ".md" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	named := make(map[string]map[string]bool) // anchors by document
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range links.FindAllStringSubmatch(fences.ReplaceAllString(string(b), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			checked++
			path, anchor, _ := strings.Cut(m[1], "#")
			target := name
			if path != "" {
				target = filepath.Join(filepath.Dir(name), path)
			}
			text, err := os.ReadFile(target)
			if named[target] == nil && anchor != "" {
				named[target] = anchorsOf(string(text))
			}
			switch {
			case err != nil:
				t.Errorf("%s links to %s: %v", name, m[1], err)
			case anchor != "" && !named[target][anchor]:
				t.Errorf("%s links to %s, which has no such heading", name, m[1])
			}
		}
	}
	if checked < 30 {
		t.Errorf("%d links were checked; want those of all documents", checked)
	}
}
