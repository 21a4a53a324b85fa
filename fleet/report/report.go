// Package report renders the results of runs for people and for build servers:
// as a page that needs nothing but a browser, as text for a terminal, and as
// JUnit XML. It measures and judges nothing: all figures and sentences are those
// of the result, and a percentile that package metrics would not show is not
// shown here either.
//
// All functions may be called from any goroutine. A result must not be changed
// while it is rendered.
package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

//go:embed page.html
var pageSource string

//go:embed compare.html
var compareSource string

//go:embed parts.html
var partsSource string

//go:embed style.css
var styleSource string

//go:embed hover.js
var hoverSource string

// HTML writes a result as one self-contained page: style, charts and script are
// in it, a Content Security Policy forbids it to fetch anything, and without
// JavaScript nothing is missing but the read-out under the pointer. Text from
// the result is escaped wherever it stands.
func HTML(w io.Writer, r *metrics.Result) error {
	return render(w, pageSource, newPage(r))
}

// render fills a page in. Nothing is written to w if it fails.
func render(w io.Writer, source string, data any) error {
	t, err := template.New("page").Parse(source)
	if err == nil {
		_, err = t.Parse(partsSource)
	}
	var b bytes.Buffer
	if err == nil {
		err = t.Execute(&b, data)
	}
	if err != nil {
		return fmt.Errorf("rendering the report: %w", err)
	}
	if _, err := io.WriteString(w, words.PlainLines(b.String())); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// frame is what every page has.
type frame struct {
	Title  string
	Policy string
	Style  template.CSS
	Script template.JS
}

func newFrame(title string) frame {
	return frame{
		Title: title,
		// Only this style and this script, and no address at all.
		Policy: fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src '%s'; script-src '%s'",
			digest(styleSource), digest(hoverSource)),
		Style:  template.CSS(styleSource),
		Script: template.JS(hoverSource),
	}
}

func digest(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
