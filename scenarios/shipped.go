package scenarios

import (
	"cmp"
	"embed"
	"path"
	"slices"
	"strings"
)

// shipped holds the scenarios that come with the program.
//
//go:embed *.toml
var shipped embed.FS

// Info says what a shipped scenario is.
type Info struct {
	Name    string // as in `run bedroom`
	Title   string // its title
	Summary string // one sentence: the file's first line, a comment
	Devices int
}

// Shipped lists the scenarios that come with the program, small ones first.
func Shipped() []Info {
	files, _ := shipped.ReadDir(".") // an embedded directory is always there
	var all []Info
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".toml")
		src, _ := ReadShipped(name)
		first, _, _ := strings.Cut(string(src), "\n")
		info := Info{Name: name, Summary: strings.TrimSpace(strings.TrimPrefix(first, "#"))}
		if s, _ := Load(f.Name(), src); s != nil {
			info.Title, info.Devices = s.Title, s.Count()
		}
		all = append(all, info)
	}
	slices.SortFunc(all, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.Devices, b.Devices), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// ReadShipped returns the text of a shipped scenario. The name has no ".toml".
func ReadShipped(name string) ([]byte, bool) {
	src, err := shipped.ReadFile(path.Clean(name) + ".toml")
	return src, err == nil
}
