// Package page is what a browser shows of a running fleet. It has files and serves them;
// what they ask for, package control answers. Nothing is built: the modules are what is
// reviewed, and those under vendor are as npm has them, which vendor.json and a test hold.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
)

//go:embed index.html *.js style.css icon.svg vendor
var files embed.FS

// asset is a file as it is served.
type asset struct {
	plain     []byte
	zipped    func() []byte // made when a browser first asks for it
	kind, tag string
}

// Handler serves the page at / and its files under /page/. It needs no token: the files
// are the same for every run, and what is in a run is asked for with the token.
func Handler() (http.Handler, error) {
	assets := make(map[string]asset)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		assets["/page/"+name], err = newAsset(name, content)
		return err
	})
	if err != nil {
		return nil, err
	}
	index := assets["/page/index.html"]
	delete(assets, "/page/index.html")
	assets["/"] = index
	policy, err := policyOf(index.plain)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[path.Clean(r.URL.Path)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", a.tag)
		h.Set("Vary", "Accept-Encoding")
		body := a.plain
		if r.Header.Get("If-None-Match") == a.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.zipped()
		}
		h.Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body) // a browser that has gone is none of ours
	}), nil
}

// kindOf is the media type of a file. Package mime would say what the machine thinks,
// which differs, and keep the machine's whole table.
func kindOf(name string) (string, error) {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8", nil
	case ".html":
		return "text/html; charset=utf-8", nil
	case ".css":
		return "text/css; charset=utf-8", nil
	case ".svg":
		return "image/svg+xml", nil
	case "": // a LICENSE
		return "text/plain; charset=utf-8", nil
	}
	return "", fmt.Errorf("the page has %s, and of what media type that is stands nowhere", name)
}

func newAsset(name string, content []byte) (asset, error) {
	kind, err := kindOf(name)
	if err != nil {
		return asset{}, err
	}
	sum := sha256.Sum256(content)
	a := asset{plain: content, kind: kind, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	a.zipped = sync.OnceValue(func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(content) // into memory
		_ = z.Close()
		return b.Bytes()
	})
	return a, nil
}

var importMap = regexp.MustCompile(`(?s)<script type="importmap">(.*?)</script>`)

// policyOf is the Content Security Policy of the page: what it has comes from here, and
// the one script that stands in it, the import map, is named by its digest.
func policyOf(index []byte) (string, error) {
	found := importMap.FindSubmatch(index)
	if found == nil {
		return "", fmt.Errorf("index.html has no import map; want one")
	}
	sum := sha256.Sum256(found[1])
	return "default-src 'none'; script-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; style-src 'self'; " +
		"connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", nil
}
