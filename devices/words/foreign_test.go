package words

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostile is text that came from somebody who knows terminals.
const hostile = "a\x1b[2J\x1b]0;title\x07\u009b31m\u202eb\u2066c\u2069\r\nd\x00\x7f\u2028\u200be\xff\xed\xa0\x80\U000e0041"

func TestForeignText(t *testing.T) {
	for _, c := range []struct{ in, printable, plain, lines string }{
		{"", "", "", ""},
		{"light-01", "light-01", "light-01", "light-01"},
		{"Küche, 日本 ✓ \u0301", "Küche, 日本 ✓ \u0301", "Küche, 日本 ✓ \u0301", "Küche, 日本 ✓ \u0301"},
		{`say "no" \o/`, `say "no" \o/`, `say "no" \o/`, `say "no" \o/`},
		{"a\nb\tc", `"a\nb\tc"`, `a\nb\tc`, "a\nb\tc"},
		{"a\x1b[1mb", `"a\x1b[1mb"`, `a\x1b[1mb`, `a\x1b[1mb`},
		{"\u202eb", `"\u202eb"`, `\u202eb`, `\u202eb`},
		{"\u0085", `"\u0085"`, `\u0085`, `\u0085`},
		{"\xff\xed\xa0\x80", `"\xff\xed\xa0\x80"`, `\xff\xed\xa0\x80`, `\xff\xed\xa0\x80`},
		{"\ufffd", "\ufffd", "\ufffd", "\ufffd"}, // a character like any other
		{"a\u00a0b", `"a\u00a0b"`, `a\u00a0b`, `a\u00a0b`},
		{"\U000e0041", `"\U000e0041"`, `\U000e0041`, `\U000e0041`},
	} {
		for _, f := range []struct {
			name string
			got  string
			want string
		}{
			{"Printable", Printable(c.in), c.printable},
			{"Plain", Plain(c.in), c.plain},
			{"PlainLines", PlainLines(c.in), c.lines},
		} {
			if f.got != f.want {
				t.Errorf("%s(%q) = %q; want %q", f.name, c.in, f.got, f.want)
			}
		}
	}
	for name, got := range map[string]string{"Printable": Printable(hostile), "Plain": Plain(hostile)} {
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\x07\u009b\u202e\u2066\u2069\r\n\x00\x7f\u2028\u200b\U000e0041") {
			t.Errorf("%s(%q) = %q; want it harmless", name, hostile, got)
		}
	}
}

func TestPlainJSON(t *testing.T) {
	clean := []byte("{\n  \"a\": \"Küche\"\n}\n")
	if got := PlainJSON(clean); string(got) != string(clean) {
		t.Errorf("PlainJSON(%q) = %q; want it as it is", clean, got)
	}
	text, err := json.MarshalIndent(map[string]string{"k\u202e": hostile}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got := PlainJSON(text)
	if strings.ContainsAny(string(got), "\x1b\x07\u009b\u202e\u2066\u2069\r\x00\x7f\u2028\u200b\U000e0041") {
		t.Errorf("PlainJSON(%q) = %q; want it harmless", text, got)
	}
	var before, after map[string]string
	if err := json.Unmarshal(text, &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &after); err != nil {
		t.Fatalf("PlainJSON(%q) = %q: %v", text, got, err)
	}
	if before["k\u202e"] != after["k\u202e"] || len(after) != 1 {
		t.Errorf("PlainJSON(%q) means %q; want %q", text, after, before)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add(hostile)
	f.Fuzz(func(t *testing.T, s string) {
		got := Plain(s)
		if got != Plain(got) || !harmless(got, "") {
			t.Errorf("Plain(%q) = %q; want it harmless", s, got)
		}
		var back string
		text, err := json.Marshal(s)
		if err == nil {
			err = json.Unmarshal(PlainJSON(text), &back)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); err != nil || utf8.ValidString(s) && back != want {
			t.Errorf("PlainJSON of %q is read as %q, %v", s, back, err)
		}
	})
}
