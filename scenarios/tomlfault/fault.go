// Package tomlfault reads TOML tables strictly and says, for everything that is
// wrong with a file, on which line it is and what was wanted. It knows nothing
// of what the keys mean, prints nothing and opens no file.
//
// [Parse] gives a [Document]; the getters of its tables ([Table.Text],
// [Table.Duration], [Int], ...) collect a [Fault] each where a value is not as
// wanted and leave the destination alone, so that a reader needs no error
// handling of its own; [Document.Faults] returns all faults at once, in file
// order, unknown keys among them. A Document is not safe for concurrent use.
package tomlfault

import (
	"cmp"
	"slices"
)

// Severity tells a fault that makes a file unusable from one that does not.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Fault is one thing that is wrong with a file, or with a value built in Go.
type Fault struct {
	File     string   `json:"file"`
	Path     string   `json:"path,omitempty"` // the key, such as "device[1].will.delay"; counted from 0
	Line     int      `json:"line,omitempty"` // from 1; 0: the file as a whole, or no file at all
	Col      int      `json:"col,omitempty"`  // in characters, from 1; 0 where Line is
	Width    int      `json:"width,omitempty"`
	Source   string   `json:"source,omitempty"` // the line's text without its end
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`        // what was wrong and what was wanted
	Hint     string   `json:"hint,omitempty"` // what to do about it
}

// Faults are all faults of one file, in file order; those of the file as a
// whole come last. As an error its text is the rendering of all of them
// ([Faults.Render]).
type Faults []Fault

// Error renders all faults, warnings included, without colour.
func (fs Faults) Error() string { return fs.Render(nil) }

// Errors returns the faults that make the file unusable.
func (fs Faults) Errors() Faults { return fs.of(Error) }

// Warnings returns the faults that a load survives.
func (fs Faults) Warnings() Faults { return fs.of(Warning) }

// Err returns the faults as an error, or nil if there is none but warnings.
func (fs Faults) Err() error {
	if len(fs.Errors()) == 0 {
		return nil
	}
	return fs
}

func (fs Faults) of(s Severity) Faults {
	var some Faults
	for _, f := range fs {
		if f.Severity == s {
			some = append(some, f)
		}
	}
	return some
}

// With returns the faults of both, in file order, equal ones once.
func (fs Faults) With(more Faults) Faults {
	return append(slices.Clone(fs), more...).sorted()
}

// sorted returns the faults in file order, equal ones once.
func (fs Faults) sorted() Faults {
	fs = slices.Clone(fs)
	slices.SortStableFunc(fs, func(a, b Fault) int {
		switch {
		case a.Line == b.Line:
			return cmp.Compare(a.Col, b.Col)
		case a.Line == 0:
			return 1
		case b.Line == 0:
			return -1
		}
		return cmp.Compare(a.Line, b.Line)
	})
	return slices.Compact(fs)
}
