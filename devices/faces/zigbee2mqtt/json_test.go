package zigbee2mqtt

import (
	"encoding/json"
	"reflect"
	"testing"
)

// decoded turns a value into what encoding/json makes of the same text.
func decoded(v any) any {
	switch v := v.(type) {
	case list:
		l := make([]any, len(v))
		for i := range v {
			l[i] = decoded(v[i])
		}
		return l
	case *object:
		m := make(map[string]any)
		for i, key := range v.keys {
			m[key] = decoded(v.values[i])
		}
		return m
	}
	return v
}

// parse reads what encoding/json reads, and what appendValue writes is read as the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`null`, ` { "a" : [ 1 , -2.5e3 , "x\ny\u00e9\ud83d\ude00" , true , false , null ] , "b" : { } , "a" : 2 } `,
		`[[],{}]`, `"\"\\"`, `1 2`, `{"a":1,}`, `[1,]`, "\"\xff\"", `1e999`, ``, ` `, `{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9,"10":1,"11":1,"12":1,"13":1,"14":1,"15":1,"16":1,"17":1,"16":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := parse(data)
		var want any
		if wrong := json.Unmarshal(data, &want); wrong != nil {
			if err == nil && !json.Valid(data) {
				t.Fatalf("parse(%q) = %v; encoding/json says %v", data, v, wrong)
			}
			return
		}
		if err != nil {
			if err != errNested {
				t.Fatalf("parse(%q): %v; want %v", data, err, want)
			}
			return
		}
		if got := decoded(v); !reflect.DeepEqual(got, want) {
			t.Fatalf("parse(%q) = %#v; want %#v", data, got, want)
		}
		for _, sort := range []bool{true, false} {
			again, err := parse(appendValue(nil, v, sort))
			if err != nil || !reflect.DeepEqual(decoded(again), want) {
				t.Fatalf("%q is written as %q", data, appendValue(nil, v, sort))
			}
		}
	})
}
