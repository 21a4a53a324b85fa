package tomlfault

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// MaxSize is the size, in bytes, of the largest file that is read: 1 MiB.
const MaxSize = 1 << 20

// maxFaults is how many faults are kept of one file. A file with more of them is
// not a file with mistakes but one of another kind.
const maxFaults = 1000

// Document is one TOML file, or none, and the faults found in it so far.
type Document struct {
	name    string
	text    string
	lines   []int // where each line begins
	root    *node
	top     *Table
	tables  []*Table // every table handed out, for the unknown keys
	labels  []*Table // the first of them with each label
	faults  Faults
	secrets []secret
	bad     map[string]bool // paths that have an error
	broken  bool
	json    bool // it has no lines, and no brackets around the names of its tables
}

// New returns a document without text: its faults name a path instead of a
// line. It serves the check of values that were built in Go.
func New(name string) *Document {
	d := &Document{name: name, root: new(node), bad: make(map[string]bool)}
	d.top = &Table{doc: d, node: d.root}
	return d
}

// Parse reads a TOML text. If it is not TOML, is not UTF-8 or is larger than
// [MaxSize] the document is broken: it has that fault and an empty root.
func Parse(name string, src []byte) *Document {
	d := New(name)
	if len(src) > MaxSize {
		d.broken = true
		d.Errorf(Place{}, "", "the file has more than %d bytes, which is the most", MaxSize)
		return d
	}
	d.text = strings.TrimPrefix(string(src), "\ufeff")
	d.lines = []int{0}
	for i := range len(d.text) {
		if d.text[i] == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	d.secrets = secrets(d.text)
	if !structured(d.text) {
		d.secrets = []secret{{span{0, len(d.text)}, false}}
	}
	if i := invalid(d.text); i >= 0 {
		d.refuse(span{i, i + 1}, fmt.Sprintf("byte 0x%02x is not UTF-8", d.text[i]), "save the file as UTF-8")
		return d
	}
	sc := scan(d.text)
	if sc.excess >= 0 {
		d.refuse(span{sc.excess, sc.excess + 1}, fmt.Sprintf("nested deeper than %d levels, or names longer than %d bytes in all", maxDepth, maxPath), "")
		return d
	}
	values, err := decode(d.text)
	if err != nil && !structured(d.text) {
		d.broken = true
		d.Errorf(Place{}, otherFormat(d.text), "this is no TOML: there is no table and no key with a value in it; nothing of it is shown, as it may be secret")
		return d
	}
	if err != nil {
		d.syntax(sc, err)
		return d
	}
	d.root, d.top.node, d.top.vals = sc.root, sc.root, values
	d.tables = append(d.tables, d.top)
	return d
}

// decode is the library's parser. It panics where it finds a fault in itself;
// to whoever wrote the file that is one more text it cannot read.
func decode(text string) (values map[string]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be read as TOML: %v", r)
		}
	}()
	_, err = toml.Decode(text, &values)
	return values, err
}

// invalid returns where text stops being UTF-8, or -1.
func invalid(text string) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// refuse marks the document as broken.
func (d *Document) refuse(at span, message, hint string) {
	d.broken = true
	d.add(Error, at, "", message, hint)
}

// syntax turns the parser's error into a fault of the common form.
func (d *Document) syntax(sc *scanner, err error) {
	perr, ok := errors.AsType[toml.ParseError](err)
	if !ok {
		d.broken = true
		d.Errorf(Place{}, "", "%s", strings.TrimPrefix(err.Error(), "toml: "))
		return
	}
	at := span{perr.Position.Start, perr.Position.Start + max(perr.Position.Len, 1)}
	// The parser counts bytes and may point into the middle of a character.
	for at.start > 0 && at.start < len(d.text) && !utf8.RuneStart(d.text[at.start]) {
		at.start--
	}
	for at.end < len(d.text) && !utf8.RuneStart(d.text[at.end]) {
		at.end++
	}
	message, hint := strings.TrimSuffix(lower(perr.Message), "."), ""
	if list, ok := strings.CutSuffix(message, "' was already created and cannot be used as an array"); ok {
		list = strings.TrimPrefix(list, "key '")
		message = fmt.Sprintf("[[%s]] stands below a table of it", list)
		hint = fmt.Sprintf("a table such as [%s.x] belongs to the [[%s]] above it", list, list)
	}
	if strings.HasSuffix(message, "out of range for int64") {
		hint = "the largest whole number is 9223372036854775807"
	}
	for _, r := range sc.repeats {
		if r.again.start <= at.start && at.start < r.again.end && strings.Contains(message, "already") {
			line, _ := d.position(r.first.start)
			at, message = r.again, fmt.Sprintf("%s is set twice", Short(d.text[r.again.start:r.again.end]))
			hint = fmt.Sprintf("it is first set on line %d; remove one of them", line)
		}
	}
	for _, b := range sc.bare {
		// A word or a number with a unit that lacks its quotation marks.
		if value := d.text[b.start:b.end]; b.start <= at.start && at.start <= b.end && hint == "" && bareWord(value) {
			at, hint = b, fmt.Sprintf("text needs quotation marks: did you mean %q?", Short(value))
			if d.isSecret(b.start) {
				message, hint = "text needs quotation marks", "" // the parser's words repeat a part of it
			}
		}
	}
	d.refuse(at, bearable(message), hint)
}

// bearable cuts a message of the parser, which may repeat a token of any length,
// in its middle: what is wrong with the token is said at the end.
func bearable(message string) string {
	const head, tail = 40, 80
	runes := []rune(message)
	if len(runes) <= head+tail {
		return message
	}
	return string(runes[:head]) + "..." + string(runes[len(runes)-tail:])
}

// bareWord reports whether a value that was not accepted looks like text.
func bareWord(s string) bool {
	return strings.ContainsFunc(s, unicode.IsLetter) && !strings.ContainsAny(s, "\"'={}[]")
}

func lower(s string) string {
	if len(s) > 1 && unicode.IsUpper(rune(s[0])) && unicode.IsLower(rune(s[1])) {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// Broken reports that the text could not be read at all.
func (d *Document) Broken() bool { return d.broken }

// Root returns the file's top-level table.
func (d *Document) Root() *Table { return d.top }

// Unknown adds the unknown keys of every table that was handed out: it is
// called once, when all has been read.
func (d *Document) Unknown() {
	seen := make(map[string]bool)
	for _, t := range d.tables {
		if !seen[t.label] {
			seen[t.label] = true
			d.labels = append(d.labels, t)
		}
	}
	for _, t := range d.tables {
		t.unknown()
	}
	d.tables = nil
}

// Faults returns everything found so far, in file order.
func (d *Document) Faults() Faults { return d.faults.sorted() }

// Place says where in a document a fault is.
type Place struct {
	Path string // such as "device[1].will.delay", counted from 0; "": the file as a whole
	Key  bool   // the key is meant, not its value

	// Offset and Width, in bytes, are the part of a text value, or of a key in
	// quotation marks, that is meant; Width 0: all of it.
	Offset, Width int
}

// Errorf adds a fault that makes the file unusable. Only one fault of each
// value is kept: the second follows from the first more often than not.
func (d *Document) Errorf(at Place, hint, format string, args ...any) {
	if at.Path != "" && d.bad[at.Path] {
		return
	}
	d.bad[at.Path] = true
	d.report(Error, at, hint, fmt.Sprintf(format, args...))
}

// Warnf adds a fault that the file survives.
func (d *Document) Warnf(at Place, hint, format string, args ...any) {
	d.report(Warning, at, hint, fmt.Sprintf(format, args...))
}

// OK reports whether no error was found at the path so far: a rule that joins
// two values holds its peace where one of them is wrong already.
func (d *Document) OK(path string) bool { return !d.bad[path] }

// Clean reports whether no error was found at the path, or anywhere beneath it,
// so far.
func (d *Document) Clean(path string) bool {
	for bad := range d.bad {
		if rest, ok := strings.CutPrefix(bad, path); ok && (rest == "" || path == "" || rest[0] == '.' || rest[0] == '[') {
			return false
		}
	}
	return true
}

// Spoil marks a path as one that has an error, without a fault of its own.
func (d *Document) Spoil(path string) { d.bad[path] = true }

// Holds reports whether the text has something at the path.
func (d *Document) Holds(path string) bool {
	_, found := d.find(path)
	return found
}

// Where names a path for the text of another fault: "line 12", or the path
// itself where there are no lines.
func (d *Document) Where(path string) string {
	n, _ := d.find(path)
	if n == nil || n == d.root || d.json {
		return path
	}
	line, _ := d.position(n.val.start)
	return "line " + strconv.Itoa(line)
}

func (d *Document) report(s Severity, at Place, hint, message string) {
	if len(d.faults) >= maxFaults {
		return
	}
	n, found := d.find(at.Path)
	if n == nil || n == d.root || d.json {
		d.faults = append(d.faults, Fault{File: d.name, Path: at.Path, Severity: s, Message: message, Hint: hint})
		return
	}
	where := n.val
	switch {
	case !found:
	case at.Key:
		where = d.within(n.key, at)
	default:
		where = d.within(n.val, at)
	}
	d.add(s, where, n.over+at.Path, message, hint)
}

// within narrows a string's span to a part of its value. It is exact for plain
// strings on one line; an escape sequence before the part makes it give up.
func (d *Document) within(val span, at Place) span {
	raw := d.text[val.start:val.end]
	if at.Width <= 0 || len(raw) < 2 || strings.HasPrefix(raw, `"""`) || strings.HasPrefix(raw, `'''`) {
		return val
	}
	inner := raw[1 : len(raw)-1]
	if raw[0] != '\'' && raw[0] != '"' || at.Offset+at.Width > len(inner) ||
		raw[0] == '"' && strings.Contains(inner[:at.Offset+at.Width], `\`) {
		return val
	}
	start := val.start + 1 + at.Offset
	return span{start, start + at.Width}
}

// add appends a fault at a stretch of the text.
func (d *Document) add(s Severity, at span, path, message, hint string) {
	at.start = min(max(at.start, 0), len(d.text))
	at.end = min(max(at.end, at.start), len(d.text))
	line, start := d.position(at.start)
	end := len(d.text)
	if line < len(d.lines) {
		end = d.lines[line] - 1
	}
	source := strings.TrimSuffix(d.text[start:end], "\r")
	at.start = min(at.start, start+len(source))
	at.end = min(at.end, start+len(source))
	shown := d.hide(source, start, &message, &hint)
	d.faults = append(d.faults, Fault{
		File: d.name, Path: path, Line: line,
		Col:    utf8.RuneCountInString(d.text[start:at.start]) + 1,
		Width:  max(utf8.RuneCountInString(d.text[at.start:max(at.end, at.start)]), 1),
		Source: shown, Severity: s, Message: message, Hint: hint,
	})
}

// position returns the number of the line that holds a byte, and its start.
func (d *Document) position(offset int) (line, start int) {
	low, high := 0, len(d.lines)
	for high-low > 1 {
		if mid := (low + high) / 2; d.lines[mid] <= offset {
			low = mid
		} else {
			high = mid
		}
	}
	if len(d.lines) == 0 {
		return 1, 0
	}
	return low + 1, d.lines[low]
}

// find returns the node at a path. If the path leads on from what is in the
// file, it returns the last node that is there, and false.
func (d *Document) find(path string) (*node, bool) {
	n := d.root
	for path != "" {
		name, indexes, rest := cutPath(path)
		if kid, ok := n.kids[name]; ok {
			n = kid
		} else {
			return n, false
		}
		for _, i := range indexes {
			switch {
			case i < len(n.items):
				n = n.items[i]
			case i < len(n.order):
				n = n.kids[n.order[i]]
			default:
				return n, false
			}
		}
		path = rest
	}
	return n, true
}

// cutPath cuts the first name and its indexes off a path.
func cutPath(path string) (name string, indexes []int, rest string) {
	if quoted, err := strconv.QuotedPrefix(path); err == nil {
		name, _ = strconv.Unquote(quoted)
		rest = path[len(quoted):]
	} else {
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			return path, nil, ""
		}
		name, rest = path[:end], path[end:]
	}
	for strings.HasPrefix(rest, "[") {
		index, after, _ := strings.Cut(rest[1:], "]")
		i, err := strconv.Atoi(index)
		if err != nil {
			break
		}
		indexes, rest = append(indexes, i), after
	}
	return name, indexes, strings.TrimPrefix(rest, ".")
}
