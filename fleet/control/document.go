package control

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"homefleet/fleet/control/api"
	"homefleet/scenarios"
)

// document makes the OpenAPI document of the operations, as JSON.
func (s *Server) document() []byte {
	schemas := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	d := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{Title: "homefleet", Version: cmp.Or(s.Version, "(devel)"),
			Description: "A running fleet of virtual devices. Keys, words, units and defaults are those of a scenario: see scenarios/README.md."},
		Components: &huma.Components{Schemas: schemas, SecuritySchemes: map[string]*huma.SecurityScheme{
			"token": {Type: "http", Scheme: "bearer", Description: "of the run, from its ready file"},
		}},
		Paths: make(map[string]*huma.PathItem),
	}
	problemSchema := schemas.Schema(reflect.TypeFor[api.Problem](), true, "Problem")
	for i := range s.ops {
		o := s.ops[i].documented(schemas, problemSchema)
		d.AddOperation(o)
	}
	for _, one := range schemas.Map() {
		one.AdditionalProperties = nil // new fields may come, within a version
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil { // which a test would find
		return []byte(`{"error": ` + strconv.Quote(err.Error()) + `}`)
	}
	return append(text, '\n')
}

// documented is the operation as the document has it.
func (op *operation) documented(schemas huma.Registry, problemSchema *huma.Schema) *huma.Operation {
	o := &huma.Operation{
		Method: op.method, Path: op.path, OperationID: op.id, Summary: op.summary,
		Responses: make(map[string]*huma.Response),
	}
	if !op.open {
		o.Security = []map[string][]string{{"token": {}}}
	}
	for part := range strings.SplitSeq(op.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			o.Parameters = append(o.Parameters, &huma.Param{Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: "string"}})
		}
	}
	for _, p := range op.query {
		o.Parameters = append(o.Parameters, &huma.Param{Name: p.name, In: "query", Description: p.doc, Schema: &huma.Schema{Type: "string"}})
	}
	if op.keyed {
		o.Parameters = append(o.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: "string"},
			Description: "a word that is this request's own: whoever repeats the request with it is answered as before, and nothing happens twice"})
	}
	if op.body != nil {
		schema := objectOf(op.body)
		schema.AdditionalProperties = op.openBody
		o.RequestBody = &huma.RequestBody{Required: len(schema.Required) > 0, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	}
	ok := &huma.Response{Description: "as asked"}
	switch {
	case op.stream != nil:
		ok.Description = "Server-Sent Events. The data of each is JSON, by the type of the event: "
		for i, e := range op.stream {
			t := reflect.TypeOf(e.says)
			schemas.Schema(t, true, t.Name())
			if i > 0 {
				ok.Description += ", "
			}
			ok.Description += "`" + e.event + "`: `#/components/schemas/" + t.Name() + "`"
		}
		ok.Content = map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}}
	case op.reply != nil:
		t := reflect.TypeOf(op.reply)
		ok.Content = map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(t, true, t.Name())}}
		if _, ready := op.reply.(api.Ready); ready {
			o.Responses["503"] = &huma.Response{Description: "not ready", Content: ok.Content}
		}
	}
	o.Responses[strconv.Itoa(cmp.Or(op.status, http.StatusOK))] = ok
	means := make(map[int][]string)
	all := append(slices.Clone(op.problems), hostNotAllowed, crossOrigin, badQuery, tooMany)
	if !op.open {
		all = append(all, unauthorized)
	}
	if op.body != nil {
		all = append(all, badBody, tooLarge, badType)
	}
	for _, p := range all {
		means[p.status] = append(means[p.status], "`/problems/"+p.name+"`: "+p.title)
	}
	for _, status := range slices.Sorted(maps.Keys(means)) {
		if o.Responses[strconv.Itoa(status)] == nil {
			o.Responses[strconv.Itoa(status)] = &huma.Response{Description: strings.Join(means[status], "; "),
				Content: map[string]*huma.MediaType{"application/problem+json": {Schema: problemSchema}}}
		}
	}
	return o
}

// objectOf is the schema of an object with some keys.
func objectOf(keys []scenarios.KeyFacts) *huma.Schema {
	out := &huma.Schema{Type: "object", AdditionalProperties: false, Properties: make(map[string]*huma.Schema)}
	for _, k := range keys {
		one := &huma.Schema{Type: k.Type}
		switch {
		case k.Keys != nil:
			one = objectOf(k.Keys)
		case k.Type == scenarios.Any:
			one.Type = ""
		case k.Type == "":
			one.AnyOf = []*huma.Schema{{Type: "string"}, {Type: "number"}}
		case k.Type == "array":
			one.Items = &huma.Schema{Type: "string"}
		}
		one.Description = k.Doc + ". Wanted: " + k.Want + "."
		if k.Default != "" {
			one.Description += " Default: " + k.Default + "."
		}
		out.Properties[k.Name] = one
		if k.Required {
			out.Required = append(out.Required, k.Name)
		}
	}
	return out
}
