package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/scenarios/tomlfault"
)

// DefaultSize is the size of a file as it stands, without an overlay.
const DefaultSize = "s"

// maxSizes is how many sizes a file may have besides its own: each is checked
// when the file is loaded.
const maxSizes = 8

// sizable are the parts of a file that a size may change.
var sizable = []string{"duration", "connect", "device", "controller", "watcher", "incident", "audit", "phases", "expect"}

// readSizes returns the names of the file's overlays, in its order, and reports
// what is wrong with them as such.
func readSizes(top *tomlfault.Table) []string {
	t := top.Table("size")
	var names []string
	for _, name := range t.Keys() {
		sub := t.Table(name)
		sub.Known(sizable...)
		switch {
		case name == DefaultSize:
			t.KeyErrorf(name, "choose another name, such as m or l", "the size %q is the file as it stands", name)
		case idFault(name) != "":
			t.KeyErrorf(name, "choose a name such as m or l", "the name of a size, %q, %s", tomlfault.Short(name), idFault(name))
		case len(names) == maxSizes:
			t.KeyErrorf(name, "", "that is one size too many; want at most %d", maxSizes)
			return names
		default:
			names = append(names, name)
		}
	}
	return names
}

// LoadSize is [Load] of one of the sizes of a file: "" and [DefaultSize] are
// the file as it stands. Whichever is asked for, the faults are those of all of
// them. A size that the file does not have is a fault that lists what it has.
func LoadSize(name string, src []byte, size string) (*Scenario, Faults) {
	return loader{sizes: true}.load(name, src, size)
}

// withSize tells a fault that is found with one size only, at a line that all
// sizes share.
func withSize(faults, base Faults, size string) Faults {
	var all Faults
	for _, f := range faults {
		if slices.Contains(base, f) {
			continue
		}
		if !strings.HasPrefix(f.Path, "size.") {
			f.Message = fmt.Sprintf("with size %q: %s", size, f.Message)
		}
		all = append(all, f)
	}
	return all
}
