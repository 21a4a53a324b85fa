package page

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"
)

var handler = sync.OnceValues(Handler)

func get(t *testing.T, target string, header ...string) *http.Response {
	t.Helper()
	h, err := handler()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The policy lets nothing in but what is served here, and the import map by its digest.
func TestPolicy(t *testing.T) {
	r := get(t, "/")
	_, rest, _ := strings.Cut(body(t, r), `<script type="importmap">`)
	imports, _, found := strings.Cut(rest, "</script>")
	if !found {
		t.Fatal("index.html has no import map; want one")
	}
	sum := sha256.Sum256([]byte(imports))
	got, want := r.Header.Get("Content-Security-Policy"), "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'"
	if !strings.Contains(got, want) || !strings.HasPrefix(got, "default-src 'none';") || strings.Contains(got, "unsafe") {
		t.Errorf("Content-Security-Policy = %q; want default-src 'none', nothing unsafe, and %s", got, want)
	}
}

func TestServe(t *testing.T) {
	for _, c := range []struct {
		target string
		code   int
		kind   string
	}{
		{"/", 200, "text/html; charset=utf-8"},
		{"/page/app.js", 200, "text/javascript; charset=utf-8"},
		{"/page/style.css", 200, "text/css; charset=utf-8"},
		{"/page/icon.svg", 200, "image/svg+xml"},
		{"/page/vendor/htm/htm.mjs", 200, "text/javascript; charset=utf-8"},
		{"/page/index.html", 404, ""},
		{"/page/../../../go.mod", 404, ""},
		{"/page/page.go", 404, ""},
		{"/page/vendor", 404, ""},
	} {
		r := get(t, c.target)
		if r.StatusCode != c.code || c.kind != "" && r.Header.Get("Content-Type") != c.kind {
			t.Errorf("GET %s = %d, %s; want %d, %s", c.target, r.StatusCode, r.Header.Get("Content-Type"), c.code, c.kind)
		}
	}
	plain := get(t, "/page/app.js")
	if r := get(t, "/page/app.js", "If-None-Match", plain.Header.Get("ETag")); r.StatusCode != http.StatusNotModified || body(t, r) != "" {
		t.Errorf("GET with the ETag = %d; want 304 with no body", r.StatusCode)
	}
	if r := get(t, "/page/app.js", "Accept-Encoding", "gzip, br"); r.Header.Get("Content-Encoding") != "gzip" || len(body(t, r)) >= len(body(t, plain)) {
		t.Errorf("GET with gzip = %q; want gzip, and fewer bytes", r.Header.Get("Content-Encoding"))
	}
}

var imported = regexp.MustCompile(`(?m)^(?:import|export) .*?["']([^"']+)["'];?$`)

// Whatever a module imports is served, or stands in the import map; nothing is asked of elsewhere.
func TestModulesAreHere(t *testing.T) {
	_, rest, _ := strings.Cut(body(t, get(t, "/")), `<script type="importmap">`)
	text, _, _ := strings.Cut(rest, "</script>")
	var m struct{ Imports map[string]string }
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	for name, at := range m.Imports {
		if r := get(t, "/"+strings.TrimPrefix(at, "./")); r.StatusCode != 200 {
			t.Errorf("the import map says %s is at %s, which is not served", name, at)
		}
	}
	modules := 0
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		for _, found := range imported.FindAllStringSubmatch(string(content), -1) {
			modules++
			switch of := found[1]; {
			case strings.HasPrefix(of, "."):
				if r := get(t, "/page/"+path.Join(path.Dir(name), of)); r.StatusCode != 200 {
					t.Errorf("%s imports %s, which is not served", name, of)
				}
			case m.Imports[of] == "":
				t.Errorf("%s imports %s, which the import map does not have", name, of)
			}
		}
		if own := !strings.HasPrefix(name, "vendor/"); own {
			for _, foreign := range regexp.MustCompile(`https?://[a-z0-9.]+`).FindAllString(string(content), -1) {
				if foreign != "http://www.w3.org" {
					t.Errorf("%s names %s; want nothing of elsewhere", name, foreign)
				}
			}
		}
		return nil
	})
	if err != nil || modules < 20 {
		t.Errorf("found %d imports, %v; want 20 or more", modules, err)
	}
}

// The modules of others are those that vendor.json names, to the byte; .ci/browser compares it with npm.
func TestVendor(t *testing.T) {
	text, err := os.ReadFile("vendor.json")
	if err != nil {
		t.Fatal(err)
	}
	var packages []struct {
		Files []struct{ File, SHA256 string }
	}
	if err := json.Unmarshal(text, &packages); err != nil {
		t.Fatal(err)
	}
	named := make(map[string]string)
	for _, p := range packages {
		for _, f := range p.Files {
			named["vendor/"+f.File] = f.SHA256
		}
	}
	err = fs.WalkDir(files, "vendor", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != named[name] {
			t.Errorf("%s has the digest %s; vendor.json says %q", name, got, named[name])
		}
		delete(named, name)
		return err
	})
	if err != nil || len(named) > 0 {
		t.Errorf("%v; not here, but in vendor.json: %v", err, named)
	}
}

// The page and the report look like one product: what both have has the same colours.
func TestColoursAreThoseOfTheReport(t *testing.T) {
	own, err := files.ReadFile("style.css")
	if err != nil {
		t.Fatal(err)
	}
	report, err := os.ReadFile("../../report/style.css")
	if err != nil {
		t.Fatal(err)
	}
	for name, there := range map[string]string{
		"bg": "page", "surface": "panel", "text": "ink", "muted": "soft", "line": "rule", "raised": "band", "accent": "blue", "heat": "orange", "control": "grey",
		"bad": "red", "ok": "green", "warn": "amber", "will": "purple", "bad-ground": "red-ground", "good-ground": "green-ground", "warn-ground": "amber-ground",
	} {
		got := regexp.MustCompile(`--` + name + `: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`).FindSubmatch(own)
		want := regexp.MustCompile(`--`+there+`: (#[0-9a-f]{6})`).FindAllSubmatch(report, -1)
		if got == nil || len(want) < 2 || // the first two are for the screen, light and dark
			string(got[1]) != string(want[0][1]) || string(got[2]) != string(want[1][1]) {
			t.Errorf("--%s of the page is %q; --%s of the report %q", name, got, there, want)
		}
	}
}
