package scenarios

import (
	"cmp"
	"embed"
	"path"
	"slices"
	"strings"
	"sync"
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

	Measured bool     // it measures: there are phases and expectations
	Trouble  bool     // devices go offline, or misbehave
	Sizes    []string // see [Scenario.Sizes]
}

// Shipped lists the scenarios that come with the program: homes first, then
// those that measure, then those in which something goes wrong; of each, small
// ones first.
func Shipped() []Info { return slices.Clone(shippedInfo()) }

// shippedInfo is read once: what is embedded is the same for as long as the program runs.
var shippedInfo = sync.OnceValue(func() []Info {
	files, _ := shipped.ReadDir(".") // an embedded directory is always there
	var all []Info
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".toml")
		src, _ := ReadShipped(name)
		first, _, _ := strings.Cut(string(src), "\n")
		info := Info{Name: name, Summary: strings.TrimSpace(strings.TrimPrefix(first, "#"))}
		// The larger sizes and the 100,000 ids of a city are another day's concern: a
		// list should be quick.
		if s, _ := (loader{distinct: true}).load(f.Name(), src, ""); s != nil {
			info.Title, info.Devices = s.Title, s.Count()
			info.Measured, info.Trouble, info.Sizes = s.Measured(), s.Trouble(), s.Sizes()
		}
		all = append(all, info)
	}
	slices.SortFunc(all, func(a, b Info) int {
		return cmp.Or(cmp.Compare(btoi(a.Measured), btoi(b.Measured)), cmp.Compare(btoi(a.Trouble), btoi(b.Trouble)), cmp.Compare(a.Devices, b.Devices), cmp.Compare(a.Name, b.Name))
	})
	return all
})

// ReadShipped returns the text of a shipped scenario. The name has no ".toml".
func ReadShipped(name string) ([]byte, bool) {
	src, err := shipped.ReadFile(path.Clean(name) + ".toml")
	return src, err == nil
}
