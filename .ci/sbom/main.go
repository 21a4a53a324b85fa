// Sbom prints what a binary is made of, as a CycloneDX document (1.5): the modules that the
// compiler has noted in it, with the licences that .ci/supply has found. The same binary has
// the same document.
//
//	go run ./.ci/sbom BINARY TIME <licences
//
// licences are lines of "LICENCE  MODULE VERSION", TIME is that of the commit (RFC 3339).
package main

import (
	"bufio"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type license struct {
	License map[string]string `json:"license"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type component struct {
	Type     string    `json:"type"`
	Ref      string    `json:"bom-ref"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	PURL     string    `json:"purl"`
	Hashes   []hash    `json:"hashes,omitempty"`
	Licenses []license `json:"licenses,omitempty"`
}

type document struct {
	Format   string `json:"bomFormat"`
	Spec     string `json:"specVersion"`
	Version  int    `json:"version"`
	Metadata struct {
		Timestamp string    `json:"timestamp"`
		Component component `json:"component"`
	} `json:"metadata"`
	Components []component `json:"components"`
}

func main() {
	if len(os.Args) != 3 {
		fail("usage: sbom BINARY TIME <licences")
	}
	info, err := buildinfo.ReadFile(os.Args[1])
	if err != nil {
		fail("%v", err)
	}
	binary, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail("%v", err)
	}
	licences := make(map[string]string)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if f := strings.Fields(in.Text()); len(f) == 3 {
			licences[f[1]+"@"+f[2]] = f[0]
		}
	}
	sum := sha256.Sum256(binary)
	d := document{Format: "CycloneDX", Spec: "1.5", Version: 1}
	d.Metadata.Timestamp = os.Args[2]
	d.Metadata.Component = of("application", info.Main.Path, info.Main.Version)
	d.Metadata.Component.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum[:])}}
	std := of("library", "std", strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go"))
	std.Licenses = []license{{map[string]string{"id": "BSD-3-Clause"}}}
	d.Components = append(d.Components, std)
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c, found := of("library", m.Path, m.Version), licences[m.Path+"@"+m.Version]
		switch found {
		case "", "NONE":
			fail("%s %s has no licence", m.Path, m.Version)
		case "BSD", "EDL-1.0": // of several texts, or without an identifier of SPDX
			c.Licenses = []license{{map[string]string{"name": found}}}
		default:
			c.Licenses = []license{{map[string]string{"id": found}}}
		}
		d.Components = append(d.Components, c)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(d); err != nil {
		fail("%v", err)
	}
}

// of is a module as a component.
func of(typ, path, version string) component {
	purl := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return component{Type: typ, Ref: purl, Name: path, Version: version, PURL: purl}
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "sbom: "+format+"\n", args...)
	os.Exit(1)
}
