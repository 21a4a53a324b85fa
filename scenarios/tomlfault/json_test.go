package tomlfault

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A JSON object is read like a TOML table, and its faults are worded the same, with a
// path where a file has a line.
func TestJSONIsReadLikeTOML(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{`{"select": {"id": "porch"}, "for": "30s"}`, ""},
		{`{"select": {"id": 7}}`, `select.id: id is the number 7; want text (did you mean "7"?)`},
		{`{"select": {"hoem": "x"}}`, `select.hoem: unknown key "hoem" in select (did you mean "home"?)`},
		{`{"select": {"for": "1s"}}`, `select.for: unknown key "for" in select ("for" stands beside select, not in it)`},
		{`{"slect": {}}`, `slect: unknown key "slect" (did you mean "select"?)`},
		{`{"select": "porch"}`, `select: select is the text "porch"; want an object`},
		{`{"for": 30}`, `for: for is 30, which has no unit; want a duration such as "30s" (did you mean "30s"?)`},
		{`{"n": 1.5}`, `n: n is the number 1.5; want a whole number`},
		{`{"for": null}`, `: cannot be read as JSON: there is a null; leave the key out instead`},
		{`{"for": "1s", "for": "2s"}`, `: cannot be read as JSON: the key "for" stands there twice`},
		{`[1]`, `: it is an array; want a JSON object`},
		{`7`, `: it is the number 7; want a JSON object`},
		{``, `: cannot be read as JSON: the JSON ends too early`},
		{`{"for": "1s"`, `: cannot be read as JSON: the JSON ends too early`},
		{`{} {}`, `: there is more behind the JSON object`},
		{"{\"for\": \"\xff\"}", `: byte 0xff is not UTF-8`},
		{strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), `: cannot be read as JSON: nested deeper than 16 levels`},
	} {
		doc := ParseJSON("body", []byte(tt.src))
		top := doc.Root()
		var text string
		var n int

		sub := top.Table("select")
		for _, key := range []string{"id", "home"} {
			sub.Text(key, &text)
		}
		top.Duration("for", new(time.Duration))
		Int(top, "n", 0, 9, &n)
		doc.Unknown()
		var got []string
		for _, f := range doc.Faults() {
			line := f.Path + ": " + f.Message
			if f.Hint != "" {
				line += " (" + f.Hint + ")"
			}
			if f.Line != 0 || f.Source != "" {
				t.Errorf("%s: a fault has line %d, %q; want none", tt.src, f.Line, f.Source)
			}
			got = append(got, line)
		}
		if s := strings.Join(got, "\n"); s != tt.want {
			t.Errorf("ParseJSON(%s):\n%s\nwant:\n%s", tt.src, s, tt.want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"select":{"id":"porch"}}`, `{"a":[1,2.5,{"b":true}]}`, `{`, `"x"`, `{"a":1e999}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		doc := ParseJSON("body", []byte(src))
		if doc.Broken() && len(doc.Faults()) == 0 {
			t.Errorf("ParseJSON(%q) is broken and says nothing of it", src)
		}
		doc.Root().Table("select").Tables("a")
		doc.Unknown()
		for _, fault := range doc.Faults() {
			_ = fmt.Sprint(fault)
		}
	})
}
