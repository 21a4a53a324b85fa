package metrics

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"homefleet/devices/words"
)

// Encode writes the document, indented, with a line break at its end.
func (r *Result) Encode(w io.Writer) error { return encode(w, r) }

// encode writes a document whose foreign text is harmless on a terminal, too.
func encode(w io.Writer, document any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(document)
	if err == nil {
		_, err = w.Write(words.PlainJSON(b.Bytes()))
	}
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// readDocument reads all there is, up to a bound.
func readDocument(rd io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(rd, MaxResult+1))
	if err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	if len(b) > MaxResult {
		return nil, fmt.Errorf("reading a result: it is larger than %d MiB", MaxResult>>20)
	}
	return b, nil
}

func decodeResult(b []byte) (*Result, error) {
	var head struct {
		Version *int `json:"homefleet_result"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("reading a result: %w", plainJSON(err))
	}
	switch {
	case head.Version == nil:
		return nil, errors.New(`reading a result: this is no result of homefleet: it has no "homefleet_result"`)
	case *head.Version > ResultVersion:
		return nil, fmt.Errorf("reading a result: it has version %d, and this homefleet reads up to version %d: it takes a newer homefleet", *head.Version, ResultVersion)
	case *head.Version < 1:
		return nil, fmt.Errorf("reading a result: there is no version %d; want 1 to %d", *head.Version, ResultVersion)
	}
	r := new(Result)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("reading a result: %w", plainJSON(err))
	}
	if err := r.sound(); err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	r.forget()
	r.fillUnanswered()
	return r, nil
}

// plainJSON says what was wrong in the words of the document.
func plainJSON(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		got := "a " + t.Value
		switch {
		case strings.HasPrefix(t.Value, "number "): // with the number, which is of the wrong kind or out of range
			got = "the " + t.Value
		case t.Value == "array" || t.Value == "object":
			got = "an " + t.Value
		}
		field := strings.NewReplacer(".Outcomes.", ".", ".Label.", ".", ".DeliveryTotals.", ".", ".WillTotals.", ".").Replace(t.Field) // which the document does not have
		field = strings.TrimPrefix(field, "Snapshot.")
		return fmt.Errorf("%s is %s; want %s", cmp.Or(field, "the document"), got, jsonName(t.Type))
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("it is no JSON document: byte %d: %w", s.Offset, err)
	}
	if strings.Contains(err.Error(), ",string struct tag") { // which only the seed has
		return errors.New("seed is no number in quotes")
	}
	return err
}

// jsonName is what a document has where a result has the type t.
func jsonName(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[Span]() {
		return `a duration such as "1.5s"`
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float64:
		return "a number"
	}
	return "a whole number"
}
