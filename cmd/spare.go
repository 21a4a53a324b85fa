package cmd

import (
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"homefleet/fleet"
	"homefleet/scenarios"
)

// fileUse is a file that a command reads or writes.
type fileUse struct {
	what string // the flag, or what the file is
	name string // as it was given; "": none
}

// placed is a file that a command writes, and what is there now.
type placed struct {
	fileUse
	path string
	info fs.FileInfo // nil: nothing, or what is never lost, such as /dev/null
}

// spare refuses to write one file for two, or over one that is read: a scenario
// or a password would be lost to a slip of the hand. It comes before anything is
// written. A file is known again by whatever name: through links, another
// spelling, or as what stdin or stdout is redirected to.
func (a *app) spare(writes []fileUse, reads iter.Seq[fileUse]) error {
	var all []placed
	for _, w := range writes {
		if w.name == "" {
			continue
		}
		p := placed{fileUse: w, path: a.wholeFile(w.name).path}
		if info, err := os.Stat(p.path); err == nil {
			if !info.Mode().IsRegular() {
				continue
			}
			p.info = info
		}
		for i := range all {
			if p.is(all[i].path, all[i].info) {
				return misused("", "%s and %s are both %s; want a file for each", all[i].what, p.what, printable(p.name))
			}
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil
	}
	for _, s := range []struct {
		what   string
		stream any
	}{{"what stdin reads", a.Stdin}, {"what stdout writes", a.Stdout.Writer}, {"what stderr writes", a.Stderr.Writer}} {
		info := streamFile(s.stream)
		for i := range all {
			if info != nil && all[i].is("", info) {
				return over(all[i].fileUse, s.what)
			}
		}
	}
	for r := range reads {
		if r.name == "" {
			continue
		}
		path := a.path(r.name)
		info, _ := os.Stat(path) // what cannot be read is not lost
		for i := range all {
			if all[i].is(path, info) {
				return over(all[i].fileUse, r.what)
			}
		}
	}
	return nil
}

func over(w fileUse, what string) error {
	return misused("", "%s is %s, which is %s; want another file", w.what, printable(w.name), what)
}

// is reports whether a file is another one, which is at a path.
func (p *placed) is(path string, info fs.FileInfo) bool {
	if p.info != nil && info != nil {
		return os.SameFile(p.info, info)
	}
	if path == "" {
		return false
	}
	one, other := filepath.Clean(p.path), filepath.Clean(path)
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return strings.EqualFold(one, other) // as their file systems mostly have it
	}
	return one == other
}

// streamFile returns the regular file that a stream is redirected to or from; nil
// if it is none.
func streamFile(stream any) fs.FileInfo {
	if u, ok := stream.(untilDone); ok {
		stream = u.from
	}
	if w, ok := stream.(outWriter); ok {
		stream = w.Writer
	}
	f, ok := stream.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return info
}

// runReads lists every file that runs with these ids read: of templates, each
// expansion.
func (a *app) runReads(arg string, sc *scenarios.Scenario, f *runFlags, ids []string) iter.Seq[fileUse] {
	return func(yield func(fileUse) bool) {
		if sc.Name != arg {
			arg = "" // shipped, or stdin
		}
		b := &sc.Broker
		for _, u := range []fileUse{
			{"the scenario", arg}, {"the result of --replay", f.replay}, {"the CA file", b.CAFile},
		} {
			if !yield(u) {
				return
			}
		}
		for _, groups := range [][]scenarios.Group{sc.Groups, sc.External} {
			for i := range groups {
				if !yield(fileUse{"the devices of the scenario", groups[i].From}) {
					return
				}
			}
		}
		for u := range f.listen.reads() {
			if !yield(u) {
				return
			}
		}
		for u := range f.ownReads(sc, ids) {
			if !yield(u) {
				return
			}
		}
	}
}

// ownReads lists the files that who connects has of its own, by the templates of their names.
func (f *runFlags) ownReads(sc *scenarios.Scenario, ids []string) iter.Seq[fileUse] {
	return func(yield func(fileUse) bool) {
		b := &sc.Broker
		for _, of := range []struct {
			what string
			name scenarios.Template
		}{{"a password file", b.Password.File}, {"a client certificate", b.CertFile}, {"a certificate's key", b.KeyFile}} {
			last, text := "", string(of.name)
			for i, id := range ids {
				again := *sc
				again.Seed = f.runs.seed(sc.Seed, i+1)
				for v := range fleet.Logins(&again, id) {
					name := of.name.Expand(v)
					if name != last && !yield(fileUse{of.what, name}) {
						return
					}
					last = name
					if of.name.Fixed() {
						break
					}
				}
				if !strings.Contains(text, "{run}") && !strings.Contains(text, "{seed}") {
					break // it is the same in each run
				}
			}
		}
		for d := range sc.Devices() {
			if g := d.Group; g.CertFile != "" && !(yield(fileUse{"a client certificate", g.CertFile.Expand(d.Vars(""))}) && yield(fileUse{"a certificate's key", g.KeyFile.Expand(d.Vars(""))})) {
				return
			}
		}
	}
}
