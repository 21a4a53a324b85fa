package tomlfault

import (
	"maps"
	"reflect"
	"slices"
	"testing"
)

var overlayKeys = []string{"a", "b", "t", "list"}

// overlaid are texts with a table [size.m], and what they read like with it.
var overlaid = []struct {
	text string
	want map[string]any
}{
	{"a = 1\n[size.m]\na = 2\n", map[string]any{"a": int64(2)}},
	{"a = 1\n[size.m]\nb = \"x\"\n", map[string]any{"a": int64(1), "b": "x"}},
	{"a = 1\n[size.m]\nz = 2\n", map[string]any{"a": int64(1)}}, // not one of the keys
	{"[size.m]\nt.x = 1\n", map[string]any{"t": map[string]any{"x": int64(1)}}},
	{"t = { x = 1, y = { z = 2 } }\n[size.m.t]\ny = { w = 3 }\n", map[string]any{"t": map[string]any{"x": int64(1), "y": map[string]any{"z": int64(2), "w": int64(3)}}}},
	{"t.x = 1\n[size.m]\nt = 5\n", map[string]any{"t": int64(5)}},
	{"t = 5\n[size.m.t]\nx = 1\n", map[string]any{"t": map[string]any{"x": int64(1)}}},
	{"[[list]]\nx = 1\n[[list]]\nx = 2\n[[size.m.list]]\n[[size.m.list]]\nx = 3\ny = [1]\n",
		map[string]any{"list": []map[string]any{{"x": int64(1)}, {"x": int64(3), "y": []any{int64(1)}}}}},
	{"list = [{x = 1}, {x = 2}]\n[size.m]\nlist = [{x = 9}]\n", map[string]any{"list": []map[string]any{{"x": int64(9)}, {"x": int64(2)}}}},
	{"[[list]]\n[[list.sub]]\nx = 1\n[[list.sub]]\nx = 2\n[[size.m.list]]\n[[size.m.list.sub]]\ny = 3\n",
		map[string]any{"list": []map[string]any{{"sub": []map[string]any{{"y": int64(3)}}}}}},
	{"a = [1, 2]\n[size.m]\na = [3]\n", map[string]any{"a": []any{int64(3)}}},
	{"a = 1\n[size.l]\na = 2\n", map[string]any{"a": int64(1)}},
}

func TestOverlay(t *testing.T) {
	for _, tt := range overlaid {
		d := Parse("x", []byte(tt.text))
		before := d.top.vals
		kept := maps.Clone(before)
		over := d.Overlay("size", "m", overlayKeys)
		got := maps.Clone(over.top.vals)
		delete(got, "size")
		if !reflect.DeepEqual(got, tt.want) || len(over.Faults()) > 0 {
			t.Errorf("Overlay of %q = %v, %v; want %v", tt.text, got, over.Faults(), tt.want)
		}
		if diff := compare(tt.text, "", over.root, over.top.vals); diff != "" {
			t.Errorf("Overlay of %q: %s", tt.text, diff)
		}
		if diff := disagreement(tt.text, before); diff != "" || !reflect.DeepEqual(before, kept) {
			t.Errorf("Overlay of %q changes what it is laid over: %s", tt.text, diff)
		}
	}
}

// FuzzOverlay checks that places and values stay together, and that what is laid
// over is left alone.
func FuzzOverlay(f *testing.F) {
	for _, tt := range overlaid {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := Parse("x", []byte(text))
		if d.Broken() || len(text) > 4096 || d.text != text {
			return
		}
		over := d.Overlay("size", "m", overlayKeys)
		if diff := compare(text, "", over.root, over.top.vals); diff != "" {
			t.Errorf("Overlay of %q: %s", text, diff)
		}
		if diff := compare(text, "", d.root, d.top.vals); diff != "" {
			t.Errorf("Overlay of %q changes what it is laid over: %s", text, diff)
		}
	})
}

// TestOverlayFaults checks where faults of an overlay point, and what they call
// the place.
func TestOverlayFaults(t *testing.T) {
	const text = "[[list]]\nx = 1\n[size.m]\na = 5\nb.c = 6\n[[size.m.list]]\nx = 2\nz = 3\n[[size.m.list]]\n"
	over := Parse("f", []byte(text)).Overlay("size", "m", overlayKeys)
	over.top.Known("size")
	var s string
	over.top.Text("a", &s)
	over.top.Table("b").Text("c", &s)
	for _, item := range over.top.Tables("list") {
		item.Text("x", &s)
	}
	over.Unknown()
	var got []string
	for _, f := range over.Faults() {
		got = append(got, f.Path+" "+f.Text())
	}
	want := []string{
		"size.m.a f:4:5: error: a is the number 5; want text",
		"size.m.b.c f:5:7: error: c is the number 6; want text",
		"size.m.list[0].x f:7:5: error: x is the number 2; want text",
		`size.m.list[0].z f:8:1: error: unknown key "z" in [[size.m.list]]`,
		"size.m.list[1] f:9:1: error: there is no [[list]] number 2 for this to change; the file has 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults = %q; want %q", got, want)
	}
}

func TestDocumentAsksForPaths(t *testing.T) {
	d := Parse("x", []byte("[t]\n\"a.b\" = 1\nl = [{x = 1}]\n"))
	for path, want := range map[string]bool{
		"t": true, `t."a.b"`: true, "t.l[0].x": true, "t.l[1].x": false, "t.a": false, "u": false, "": true,
	} {
		if got := d.Holds(path); got != want {
			t.Errorf("Holds(%q) = %v; want %v", path, got, want)
		}
	}
	d.Errorf(Place{Path: "t.l[0].x"}, "", "bad")
	for path, want := range map[string]bool{
		"t": false, "t.l": false, "t.l[0]": false, "t.l[0].x": false, "": false, "t.l[1]": true, "t.l[0].xy": true, "tt": true, "t.li": true,
	} {
		if got := d.Clean(path); got != want {
			t.Errorf("Clean(%q) = %v; want %v", path, got, want)
		}
	}
}

func TestFaultsWith(t *testing.T) {
	a, b, c := Fault{Line: 3, Message: "a"}, Fault{Line: 5, Message: "b"}, Fault{Message: "whole"}
	base := Faults{b, c}
	if got, want := base.With(Faults{a, b}), (Faults{a, b, c}); !reflect.DeepEqual(got, want) || len(base) != 2 {
		t.Errorf("With = %v; want %v", got, want)
	}
}

func TestRatesFromZero(t *testing.T) {
	for _, tt := range []struct {
		value string
		want  float64
		fault string
	}{
		{`"0/s"`, 0, ""}, {`"0/min"`, 0, ""}, {`"30/min"`, 0.5, ""},
		{`"0"`, -1, `r is "0": want a rate such as "500/s", "30/min" or "10/h"`},
		{`"0/d"`, -1, `r is "0/d": there is no unit "/d"; want a rate such as "500/s", "30/min" or "10/h"`},
		{`0`, -1, `r is 0, which has no unit; want a rate such as "500/s"`},
	} {
		d := Parse("x", []byte("r = "+tt.value+"\n"))
		rate := -1.0
		d.top.RateFromZero("r", &rate)
		got := ""
		if faults := d.Faults(); len(faults) > 0 {
			got = faults[0].Message
		}
		if rate != tt.want || got != tt.fault {
			t.Errorf("RateFromZero of %s = %v, %q; want %v, %q", tt.value, rate, got, tt.want, tt.fault)
		}
	}
}

func TestTextLike(t *testing.T) {
	for _, tt := range []struct{ value, text, fault string }{
		{`"x"`, "x", ""},
		{`3`, "", "k is the number 3; want a spell/meant 3"},
		{`2.5`, "", "k is the number 2.5; want a spell/meant 2.5"},
		{`true`, "", "k is true; want a spell/"},
		{`[1]`, "", "k is an array; want a spell/"},
	} {
		d := Parse("x", []byte("k = "+tt.value+"\n"))
		var s string
		ok := d.top.TextLike("k", "a spell", func(v string) string { return "meant " + v }, &s)
		got := ""
		if faults := d.Faults(); len(faults) > 0 {
			got = faults[0].Message + "/" + faults[0].Hint
		}
		if s != tt.text || got != tt.fault || ok != (tt.fault == "") {
			t.Errorf("TextLike of %s = %q, %v, %q; want %q, %q", tt.value, s, ok, got, tt.text, tt.fault)
		}
	}
}

// TestKeyPart checks that a part of a key in quotation marks can be pointed to.
func TestKeyPart(t *testing.T) {
	d := Parse("x", []byte("\"metric{kind=x}\" = 1\nplain = 2\n"))
	d.Errorf(Place{Path: `"metric{kind=x}"`, Key: true, Offset: 12, Width: 1}, "", "a")
	d.Errorf(Place{Path: "plain", Key: true, Offset: 1, Width: 2}, "", "b")
	var got []int
	for _, f := range d.Faults() {
		got = append(got, f.Col, f.Width)
	}
	if want := []int{14, 1, 1, 5}; !slices.Equal(got, want) {
		t.Errorf("columns and widths = %v; want %v", got, want)
	}
}
