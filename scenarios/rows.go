package scenarios

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"homefleet/scenarios/tomlfault"
)

// Rows are the devices of a file of comma-separated values (RFC 4180): one a row, what is
// known of it in columns that the first row names. They do not change, and may be shared.
// No method but Login yields a password.
type Rows struct {
	name    string // of the file
	columns []string
	cells   []string // row by row
	lines   []int32  // of the rows
}

// The columns that mean something by themselves.
const (
	columnID       = "id"
	columnHome     = "home"
	columnUser     = "user"
	columnPassword = "password"
)

// MostRows is the largest file of devices in bytes.
const MostRows = 256 << 20

// mostRowFaults is how many faults of one file are told.
const mostRowFaults = 10

// mostColumns bounds what a row may have.
const mostColumns = 64

// RowFault is what is wrong at a place of a file of rows. It repeats nothing of a file whose
// columns are not known to be named, nor of a column that may hold a secret.
type RowFault struct {
	File         string
	Line, Column int // from 1, in bytes; 0: of the file as a whole
	What, Hint   string
}

func (f *RowFault) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.What
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.What)
}

// rowFaults are the faults of one file.
type rowFaults []*RowFault

func (fs rowFaults) Error() string {
	const shown = 3
	var all []string
	for _, f := range fs[:min(shown, len(fs))] {
		all = append(all, f.Error())
	}
	if n := len(fs) - shown; n > 0 {
		all = append(all, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(all, "; ")
}

// ReadRows reads a file of devices; name is how errors call it. The error has a [*RowFault]
// for each thing that is wrong, up to ten.
func ReadRows(name string, src []byte) (*Rows, error) { return readRows(name, src, idFault) }

// readRows is ReadRows with what must be true of an id.
func readRows(name string, src []byte, idFault func(string) string) (*Rows, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(src, []byte("\ufeff"))))
	r.ReuseRecord = true
	rows := &Rows{name: name}
	if f := rows.readHeader(r); f != nil {
		return nil, rowFaults{f}
	}
	var faults rowFaults
	for len(faults) < mostRowFaults {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			faults = append(faults, rows.fault(err))
			break // what follows is not where it seems to be
		}
		if len(rows.lines) == MaxDevices {
			faults = append(faults, &RowFault{File: name, What: fmt.Sprintf("has more than %d rows", MaxDevices)})
			break
		}
		line, _ := r.FieldPos(0)
		rows.lines = append(rows.lines, int32(line))
		whole := strings.Join(record, "")
		for i, cell := range record {
			if problem := rows.wrong(i, cell, idFault); problem != "" && len(faults) < mostRowFaults {
				at, column := r.FieldPos(i)
				faults = append(faults, &RowFault{File: name, Line: at, Column: column, What: problem})
			}
			rows.cells = append(rows.cells, whole[:len(cell)])
			whole = whole[len(cell):]
		}
	}
	if len(faults) == 0 && len(rows.lines) == 0 {
		faults = rowFaults{{File: name, What: "has no rows beside the first, which names the columns"}}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return rows, nil
}

// readHeader reads the first row. Where it is none, it may be one of somebody's passwords.
func (rows *Rows) readHeader(r *csv.Reader) *RowFault {
	record, err := r.Read()
	switch {
	case errors.Is(err, io.EOF):
		return &RowFault{File: rows.name, What: "is empty; want a first row with the names of the columns, such as id,user,password"}
	case err != nil:
		return rows.fault(err)
	case len(record) > mostColumns:
		return &RowFault{File: rows.name, Line: 1, Column: 1, What: fmt.Sprintf("%d columns; want at most %d", len(record), mostColumns)}
	}
	const hint = "the first row names the columns, such as id,user,password,home"
	for i, name := range record {
		line, column := r.FieldPos(i)
		fault := func(format string, args ...any) *RowFault {
			return &RowFault{rows.name, line, column, fmt.Sprintf(format, args...), hint}
		}
		switch {
		case len(record) == 1 && strings.ContainsAny(name, ";\t"):
			return fault("one column with semicolons or tabs in its name; want columns with commas between them")
		case !columnName(name):
			return fault("the name of column %d is none; want a to z, 0 to 9, - and _, beginning with a letter", i+1)
		case slices.Contains(rows.columns, name):
			return fault("column %d has the name of column %d", i+1, slices.Index(rows.columns, name)+1)
		case name != columnID && name != columnHome && slices.Contains(devicePlaces, name):
			return fault("a column %s; {%s} is a place of every template already", name, name)
		}
		rows.columns = append(rows.columns, strings.Clone(name))
	}
	return nil
}

// columnName reports whether a text can name a column, and a place of a template.
func columnName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == "" && s[0] >= 'a'
}

// fault is what the reader of the format says, in our words and without its own.
func (rows *Rows) fault(err error) *RowFault {
	f := &RowFault{File: rows.name, What: "cannot be read"}
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		f.Line, f.Column = p.Line, max(p.Column, 1)
	}
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		f.What = fmt.Sprintf("the row has more or fewer columns than the first, which has %d", len(rows.columns))
	case errors.Is(err, csv.ErrQuote), errors.Is(err, csv.ErrBareQuote):
		f.What, f.Hint = `a quotation mark out of place`, `a value with a comma, a newline or a quotation mark stands in quotation marks, and one in it is written twice: "a ""b"""`
	}
	return f
}

// wrong says what is wrong with a cell, or "".
func (rows *Rows) wrong(column int, cell string, idFault func(string) string) string {
	name, problem := rows.columns[column], ""
	switch {
	case !utf8.ValidString(cell):
		return "the " + name + " is not UTF-8"
	case name == columnID:
		problem = idFault(cell)
	case name == columnHome && cell != "":
		problem = homeFault(cell)
	default:
		problem = textFault(cell)
	}
	switch {
	case problem == "":
		return ""
	case name == columnID && cell != "":
		return fmt.Sprintf("the id %q %s", tomlfault.Short(cell), problem)
	}
	return "the " + name + " " + problem
}

// Len returns how many rows there are.
func (rows *Rows) Len() int { return len(rows.lines) }

// Name is that of the file.
func (rows *Rows) Name() string { return rows.name }

// Where is the place of a row, from 0, for people.
func (rows *Rows) Where(row int) string { return fmt.Sprintf("%s:%d", rows.name, rows.lines[row]) }

// column returns the place of a column, or -1.
func (rows *Rows) column(name string) int {
	if rows == nil {
		return -1
	}
	return slices.Index(rows.columns, name)
}

// has reports whether there is a column that templates may have a place for.
func (rows *Rows) has(name string) bool { return name != columnPassword && rows.column(name) >= 0 }

// cell returns what a row, from 0, has in a column, but for its password.
func (rows *Rows) cell(row int, name string) (text string, ok bool) {
	i := rows.column(name)
	if i < 0 || name == columnPassword || row < 0 || row >= rows.Len() {
		return "", false
	}
	return rows.cells[row*len(rows.columns)+i], true
}

// login returns the User Name and the password of a row; has is false where it has none of its
// own.
func (rows *Rows) login(row int) (user, password string, has bool) {
	user, _ = rows.cell(row, columnUser)
	if i := rows.column(columnPassword); i >= 0 && row >= 0 && row < rows.Len() {
		password = rows.cells[row*len(rows.columns)+i]
	}
	return user, password, user != "" || password != ""
}

// telling are rows with which a fault of a template shows, if it has one: the first and the
// last, and of each column the longest and the first of each sort that a rule may forbid.
func (rows *Rows) telling() []int {
	sorts := []func(string) bool{
		func(s string) bool { return s == "" },
		func(s string) bool { return strings.ContainsAny(s, "+#") },
		func(s string) bool { return strings.Contains(s, "/") },
		func(s string) bool { return strings.HasPrefix(s, "$") },
	}
	all := []int{0, rows.Len() - 1}
	for i, name := range rows.columns {
		if name == columnPassword {
			continue
		}
		longest, found := 0, make([]bool, len(sorts))
		for row := range rows.Len() {
			cell := rows.cells[row*len(rows.columns)+i]
			if len(cell) > len(rows.cells[longest*len(rows.columns)+i]) {
				longest = row
			}
			for k, is := range sorts {
				if !found[k] && is(cell) {
					found[k] = true
					all = append(all, row)
				}
			}
		}
		all = append(all, longest)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// digest writes all but the passwords.
func (rows *Rows) digest(w io.Writer) {
	for i, cell := range rows.cells {
		if rows.columns[i%len(rows.columns)] != columnPassword {
			fmt.Fprintf(w, "%s=%q\n", rows.columns[i%len(rows.columns)], cell)
		}
	}
}
