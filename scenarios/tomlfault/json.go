package tomlfault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// ParseJSON reads one JSON object, as it comes over a network, into the same tables
// that a TOML file is read into: a number without a fraction is a whole number, and an
// object is a table. Its faults name a path instead of a line. If the text is no such
// object, is larger than [MaxSize] or nested deeper than a file may be, the document is
// broken, as with [Parse].
func ParseJSON(name string, src []byte) *Document {
	d := New(name)
	d.json = true
	values, root, err := decodeJSON(src)
	if err != nil {
		d.broken = true
		d.Errorf(Place{}, "", "%v", err)
		return d
	}
	d.root, d.top.node, d.top.vals = root, root, values
	d.tables = append(d.tables, d.top)
	return d
}

// decodeJSON reads an object and keeps the order of its keys.
func decodeJSON(src []byte) (map[string]any, *node, error) {
	if len(src) > MaxSize {
		return nil, nil, fmt.Errorf("it has more than %d bytes, which is the most", MaxSize)
	}
	if i := invalid(string(src)); i >= 0 {
		return nil, nil, fmt.Errorf("byte 0x%02x is not UTF-8", src[i])
	}
	j := &jsonReader{json.NewDecoder(bytes.NewReader(src))}
	j.UseNumber()
	root := new(node)
	value, err := j.value(root, 0)
	if err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = fmt.Errorf("the JSON ends too early")
		}
		return nil, nil, fmt.Errorf("cannot be read as JSON: %s", bearable(err.Error()))
	}
	if _, err := j.Token(); err != io.EOF {
		return nil, nil, fmt.Errorf("there is more behind the JSON object")
	}
	values, ok := value.(map[string]any)
	if !ok {
		return nil, nil, fmt.Errorf("it is %s; want a JSON object", describe(value))
	}
	return values, root, nil
}

type jsonReader struct{ *json.Decoder }

// value reads one value, whose keys and elements go to n.
func (j *jsonReader) value(n *node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	token, err := j.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return j.object(n, depth)
		}
		return j.array(n, depth)
	case json.Number:
		if whole, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return whole, nil
		}
		return v.Float64()
	case nil:
		return nil, fmt.Errorf("there is a null; leave the key out instead")
	}
	return token, nil // text, true or false
}

func (j *jsonReader) object(n *node, depth int) (any, error) {
	n.kids = make(map[string]*node)
	values := make(map[string]any)
	for j.More() {
		token, err := j.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string) // the decoder allows nothing else
		if _, twice := values[key]; twice {
			return nil, fmt.Errorf("the key %q stands there twice", Short(key))
		}
		kid := new(node)
		n.kids[key], n.order = kid, append(n.order, key)
		if values[key], err = j.value(kid, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := j.Token()
	return values, err
}

func (j *jsonReader) array(n *node, depth int) (any, error) {
	values := []any{}
	for j.More() {
		item := new(node)
		v, err := j.value(item, depth+1)
		if err != nil {
			return nil, err
		}
		n.items, values = append(n.items, item), append(values, v)
	}
	_, err := j.Token()
	return values, err
}
