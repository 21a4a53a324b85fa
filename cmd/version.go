package cmd

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  want(),
		RunE:  func(*cobra.Command, []string) error { return a.printVersion() },
	}
}

func (a *app) printVersion() error {
	v := readVersion(debug.ReadBuildInfo())
	if a.json {
		return a.document(v)
	}
	revision := ""
	if v.Revision != "" {
		revision = ", revision " + v.Revision
		if v.Modified {
			revision += " with changes"
		}
	}
	return a.printf("homefleet %s (%s, %s/%s%s)\n", v.Version, v.Go, v.OS, v.Arch, revision)
}

// versionDocument says which program this is.
type versionDocument struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
}

// readVersion takes from the build information what there is of it: only go
// install knows a version, and only a build in a checkout a revision.
func readVersion(info *debug.BuildInfo, ok bool) versionDocument {
	v := versionDocument{Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// thisVersion is the version for results.
func thisVersion() string { return readVersion(debug.ReadBuildInfo()).Version }
