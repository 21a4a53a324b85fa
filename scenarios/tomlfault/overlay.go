package tomlfault

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Overlay returns the document as it reads with the table [table.name] laid
// over its top level: of the keys given, those that the table has take the
// place of the file's own. Tables are laid over tables, key by key, and the
// elements of an array of tables directly in [table.name] over the elements of
// the file's own, the first over the first; every other value, an array too,
// is replaced as a whole. A fault at a value that comes from the overlay points
// to the overlay's line, and its path begins with "table.name.".
//
// The faults of d are not those of the result. An array of the overlay with
// more elements than the file has is one of the latter.
func (d *Document) Overlay(table, name string, keys []string) *Document {
	over := New(d.name)
	over.text, over.lines = d.text, d.lines
	over.tables = append(over.tables, over.top)
	lay := overlay{doc: over, prefix: table + "." + name + ".", keys: keys}
	sizes, _ := d.top.vals[table].(map[string]any)
	vals, _ := sizes[name].(map[string]any)
	over.root, over.top.vals = lay.merge(d.root, d.top.vals, d.root.kid(table).kid(name), vals, true)
	over.top.node = over.root
	return over
}

// overlay is the work of laying one table over another.
type overlay struct {
	doc    *Document
	prefix string
	keys   []string // at the top, what may be laid over
}

// merge returns base with over laid over it; neither is changed.
func (o *overlay) merge(base *node, old map[string]any, over *node, vals map[string]any, top bool) (*node, map[string]any) {
	merged := &node{key: base.key, val: base.val, kids: maps.Clone(base.kids), order: slices.Clone(base.order), items: base.items, over: base.over}
	all := maps.Clone(old)
	for _, key := range over.order {
		if top && !slices.Contains(o.keys, key) {
			continue
		}
		kid, v := over.kid(key), vals[key]
		if t, isTable := v.(map[string]any); isTable {
			if under, ok := old[key].(map[string]any); ok {
				kid, v = o.merge(base.kid(key), under, kid, t, false)
				merged.kids[key], all[key] = kid, v
				continue
			}
		}
		if list, ok := tableList(v); ok && top {
			if under, isList := tableList(old[key]); isList || old[key] == nil {
				merged.kids[key], all[key] = o.elements(key, base.kid(key), under, kid, list)
				continue
			}
		}
		kid = kid.marked(o.prefix)
		if _, ok := merged.kids[key]; ok {
			merged.kids[key] = kid
		} else {
			merged.add(key, kid)
		}
		if all == nil {
			all = make(map[string]any)
		}
		all[key] = v
	}
	return merged, all
}

// elements lays the tables of an array over those of another.
func (o *overlay) elements(key string, base *node, old []map[string]any, over *node, vals []map[string]any) (*node, []map[string]any) {
	merged := &node{key: base.key, val: base.val, kids: base.kids, order: base.order, items: slices.Clone(base.items), over: base.over}
	all := slices.Clone(old)
	for i, t := range vals {
		item := over.item(i)
		if i >= len(all) || i >= len(merged.items) {
			o.doc.add(Error, item.val, fmt.Sprintf("%s%s[%d]", o.prefix, key, i),
				fmt.Sprintf("there is no [[%s]] number %d for this to change; the file has %d", key, i+1, len(old)),
				fmt.Sprintf("the first [[%s%s]] changes the first [[%s]], the second the second", o.prefix, key, key))
			return merged, all
		}
		merged.items[i], all[i] = o.merge(merged.items[i], all[i], item, t, false)
	}
	return merged, all
}

// tableList returns an array that holds tables alone, and at least one.
func tableList(v any) ([]map[string]any, bool) {
	switch v := v.(type) {
	case []map[string]any:
		return v, len(v) > 0
	case []any:
		var all []map[string]any
		for _, e := range v {
			t, ok := e.(map[string]any)
			if !ok {
				return nil, false
			}
			all = append(all, t)
		}
		return all, len(all) > 0
	}
	return nil, false
}

// marked returns a copy of the node, with all beneath it, that says where it
// comes from.
func (n *node) marked(prefix string) *node {
	c := *n
	c.over = prefix
	if n.kids != nil {
		c.kids = make(map[string]*node, len(n.kids))
		for name, kid := range n.kids {
			c.kids[name] = kid.marked(prefix)
		}
	}
	c.items = nil
	for _, item := range n.items {
		c.items = append(c.items, item.marked(prefix))
	}
	return &c
}

// labelOver is a label as it is written in an overlay.
func labelOver(label, prefix string) string {
	inner := strings.TrimLeft(label, "[")
	if inner == "" {
		return "[" + strings.TrimSuffix(prefix, ".") + "]"
	}
	return label[:len(label)-len(inner)] + prefix + inner
}
