package tomlfault

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"homefleet/devices/words"
)

// Table is one table of a document, or an empty one where the file has none: a
// reader asks for every key it knows, whether or not the table is there, and
// what it has asked for is what the table may hold. A key nobody asked for is a
// fault.
type Table struct {
	doc   *Document
	path  string
	label string // as a person writes it: "[device.will]"; "" for the top level
	node  *node
	vals  map[string]any
	asked []string        // in the order of the reader
	known map[string]bool // the same
	outer *Table
}

// Path returns the path of a key of this table. A key that is not bare in TOML
// stands in quotes in it.
func (t *Table) Path(key string) string {
	if t.path == "" {
		return Quote(key)
	}
	return t.path + "." + Quote(key)
}

// Quote returns a key as it stands in a path.
func Quote(key string) string {
	if key == "" || strings.IndexFunc(key, func(r rune) bool { return r > 127 || !isBare(byte(r)) }) >= 0 {
		return strconv.Quote(key)
	}
	return key
}

// itemErrorf adds an error at an element of an array.
func (t *Table) itemErrorf(key string, i int, hint, format string, args ...any) {
	t.doc.Errorf(Place{Path: fmt.Sprintf("%s[%d]", t.Path(key), i)}, hint, format, args...)
}

// At returns the place of a key's value, or of the table itself for "".
func (t *Table) At(key string) Place {
	if key == "" {
		return Place{Path: t.path}
	}
	return Place{Path: t.Path(key)}
}

// Errorf adds an error at a key's value, or at the table if the key is absent.
func (t *Table) Errorf(key, hint, format string, args ...any) {
	t.doc.Errorf(t.At(key), hint, format, args...)
}

// ErrorAt adds an error at a place that [Table.At] gave.
func (t *Table) ErrorAt(at Place, hint, format string, args ...any) {
	t.doc.Errorf(at, hint, format, args...)
}

// KeyErrorf adds an error at a key rather than at its value.
func (t *Table) KeyErrorf(key, hint, format string, args ...any) {
	t.doc.Errorf(Place{Path: t.Path(key), Key: true}, hint, format, args...)
}

// Has reports whether the key is there, right or wrong, and makes it known.
func (t *Table) Has(key string) bool {
	_, ok := t.get(key)
	return ok
}

// Holds reports whether the key is there without making it known.
func (t *Table) Holds(key string) bool {
	_, ok := t.vals[key]
	return ok
}

// Known makes keys known without reading them.
func (t *Table) Known(keys ...string) {
	for _, key := range keys {
		t.get(key)
	}
}

// Keys returns the table's keys as they stand in the file, and makes them all
// known: it is for tables whose keys are the writer's own.
func (t *Table) Keys() []string {
	keys := slices.Clone(t.node.order)
	t.Known(keys...)
	return keys
}

// Len returns how many keys the table has in the file.
func (t *Table) Len() int { return len(t.vals) }

func (t *Table) get(key string) (any, bool) {
	if !t.known[key] {
		if t.known == nil {
			t.known = make(map[string]bool)
		}
		t.known[key] = true
		t.asked = append(t.asked, key)
	}
	v, ok := t.vals[key]
	return v, ok
}

// Table returns the table under a key; it is empty if there is none.
func (t *Table) Table(key string) *Table {
	sub := &Table{doc: t.doc, path: t.Path(key), node: new(node), outer: t, label: t.sublabel(key)}
	v, ok := t.get(key)
	if vals, isTable := v.(map[string]any); isTable {
		sub.vals, sub.node = vals, t.node.kid(key)
	} else if ok {
		want := "a table, " + t.over(key, sub.label)
		if t.doc.json {
			want = "an object"
		}
		t.Errorf(key, "", "%s is %s; want %s", key, describe(v), want)
	}
	t.doc.tables = append(t.doc.tables, sub)
	return sub
}

// Tables returns the tables of an array of tables, none if it is not there.
func (t *Table) Tables(key string) []*Table {
	v, ok := t.get(key)
	label := "[" + t.sublabel(key) + "]"
	shown := t.over(key, label)
	var all []map[string]any
	switch v := v.(type) {
	case []map[string]any:
		all = v
	case []any:
		for i, e := range v {
			vals, isTable := e.(map[string]any)
			if !isTable {
				t.itemErrorf(key, i, "", "%s holds %s; want tables, %s", key, describe(e), shown)
			}
			all = append(all, vals)
		}
	case map[string]any:
		all = append(all, v)
		n := t.node.kid(key)
		n.items = []*node{{key: n.key, val: n.val, kids: n.kids, order: n.order, over: n.over}}
		t.Errorf(key, fmt.Sprintf("did you mean %s?", shown), "%s is one table; want an array of tables, which has two brackets", key)
	default:
		if ok {
			t.Errorf(key, "", "%s is %s; want an array of tables, %s", key, describe(v), shown)
		}
	}
	subs := make([]*Table, len(all))
	for i, vals := range all {
		subs[i] = &Table{
			doc: t.doc, path: fmt.Sprintf("%s[%d]", t.Path(key), i), label: label,
			node: t.node.kid(key).item(i), vals: vals, outer: t,
		}
	}
	t.doc.tables = append(t.doc.tables, subs...)
	return subs
}

func (t *Table) sublabel(key string) string {
	if t.doc.json {
		return t.Path(key)
	}
	return "[" + strings.TrimLeft(strings.Trim(t.label, "[]")+"."+Quote(key), ".") + "]"
}

// over is a label as a person writes it where the key's value stands, which
// may be in an overlay.
func (t *Table) over(key, label string) string {
	if prefix := t.node.kid(key).over; prefix != "" {
		return labelOver(label, prefix)
	}
	return label
}

// Overlaid reports whether a key's value, or a part of it, comes from an
// overlay.
func (t *Table) Overlaid(key string) bool { return t.node.kid(key).over != "" }

// labelAt is the label of the table in which a key stands.
func (t *Table) labelAt(key string) string { return t.over(key, t.label) }

// kid and item never fail: a node that the scanner did not find, which no test
// has ever seen, costs a fault its line and nothing else.
func (n *node) kid(name string) *node {
	if k, ok := n.kids[name]; ok {
		return k
	}
	return new(node)
}

func (n *node) item(i int) *node {
	if i < len(n.items) {
		return n.items[i]
	}
	return new(node)
}

// maxListed is how many known keys a hint lists.
const maxListed = 32

// unknown reports the keys nobody asked for.
func (t *Table) unknown() {
	for _, key := range t.node.order {
		if t.known[key] {
			continue
		}
		if len(t.doc.faults) >= maxFaults {
			return
		}
		where := ""
		if label := t.labelAt(key); label != "" {
			where = " in " + label
		}
		message, hint := fmt.Sprintf("unknown key %q%s", Short(key), where), ""
		near, ok := words.Nearest(key, t.asked)
		home := t.doc.owner(key, t)
		switch {
		case t.known[strings.ToLower(key)]:
			near = strings.ToLower(key)
			message += ": keys are written in lower case"
			hint = fmt.Sprintf("did you mean %q?", near)
		case home != nil && home.label == "" && t.doc.json:
			near, hint = "", fmt.Sprintf("%q stands beside %s, not in it", key, t.label)
		case home != nil && home.label == "":
			near, hint = "", fmt.Sprintf("%q belongs at the top of the file, above the first [table]", key)
		case home != nil && t.within(home):
			near, hint = "", fmt.Sprintf("%q belongs to %s; write it above %s", key, home.label, t.label)
		case ok:
			hint = fmt.Sprintf("did you mean %q?", near)
		case home != nil:
			hint = fmt.Sprintf("%q belongs to %s", key, home.label)
		case len(t.asked) > 0:
			hint = "known keys: " + strings.Join(t.asked[:min(len(t.asked), maxListed)], ", ")
			if len(t.asked) > maxListed {
				hint += ", ..."
			}
		}
		if near != "" {
			// What rests on the key that was meant would be a false alarm.
			t.doc.Spoil(t.Path(near))
		}
		t.doc.Errorf(Place{Path: t.Path(key), Key: true}, hint, "%s", message)
	}
}

// within reports whether t is a table somewhere inside outer.
func (t *Table) within(outer *Table) bool {
	for t = t.outer; t != nil; t = t.outer {
		if t == outer {
			return true
		}
	}
	return false
}

// owner returns the table that knows a key which stands in t, the closest
// enclosing one first: TOML hands every key below a [header] to that header's
// table, which is rarely what was meant.
func (d *Document) owner(key string, t *Table) *Table {
	for o := t.outer; o != nil; o = o.outer {
		if o.known[key] {
			return o
		}
	}
	for _, o := range d.labels {
		if o.known[key] && o.label != t.label {
			return o
		}
	}
	return nil
}

// describe says what a value is, for "x is ...; want ...".
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the text %q", Short(v))
	case int64:
		return fmt.Sprintf("the number %d", v)
	case float64:
		switch text := strconv.FormatFloat(v, 'g', -1, 64); {
		case math.IsNaN(v) || math.IsInf(v, 0):
			return strings.ToLower(strings.TrimPrefix(text, "+"))
		case !strings.ContainsAny(text, ".e"):
			return "the number " + text + ".0"
		default:
			return "the number " + text
		}
	case bool:
		return fmt.Sprint(v)
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "a table"
	}
	return "an array"
}
