package scenarios

import (
	"slices"
	"testing"

	"homefleet/devices"
)

func TestFilter(t *testing.T) {
	for _, tt := range []struct {
		template Template
		want     string
	}{
		{"tele/{id}/lwt", "tele/+/lwt"},
		{"a/b", "a/b"},
		{"", ""},
		{"{id}", "+"},
		{"gone-{n:3}/x", "+/x"},
		{"{h}{n}/{kind}-{run}/{seed}", "+/+/+"},
		{"/{id}/", "/+/"},
		{"{{id}}/{id}", "{id}/+"},
		{"a/{{{id}/b", "a/+/b"},
	} {
		if got := tt.template.Filter(); got != tt.want {
			t.Errorf("Filter of %q = %q; want %q", tt.template, got, tt.want)
		}
	}
}

func TestWillFilters(t *testing.T) {
	light, _ := devices.KindByName("light")
	for _, tt := range []struct {
		name   string
		groups []Group
		want   []string
	}{
		{"default", []Group{{}}, []string{"tele/+/lwt"}},
		{"two of the same", []Group{{}, {ID: "x{n}"}}, []string{"tele/+/lwt"}},
		{"none", []Group{{Will: Will{Off: true}}}, nil},
		{"one with, one without", []Group{{Will: Will{Off: true}}, {ID: "x{n}"}}, []string{"tele/+/lwt"}},
		{"two topics", []Group{{Will: Will{Topic: "gone/{id}"}}, {ID: "x{n}"}}, []string{"gone/+", "tele/+/lwt"}},
		{"covered", []Group{{Will: Will{Topic: "tele/x/lwt"}}, {ID: "x{n}"}}, []string{"tele/+/lwt"}},
		{"covered the other way", []Group{{ID: "x{n}"}, {Will: Will{Topic: "tele/x/lwt"}}}, []string{"tele/+/lwt"}},
		{"homes with slashes", []Group{{Home: "street/flat-{n}/1", Will: Will{Topic: "gone/{home}/{id}"}}}, []string{"gone/street/+/1/+"}},
		{"no home", []Group{{Will: Will{Topic: "gone/{home}/{id}"}}}, []string{"gone//+"}},
		{"system topics", []Group{{Will: Will{Topic: "$gone/x"}}, {ID: "x{n}", Will: Will{Topic: "{id}/x"}}}, []string{"$gone/x", "+/x"}},
	} {
		s := &Scenario{Groups: tt.groups}
		for i := range s.Groups {
			s.Groups[i].Kind = light
		}
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := s.WillFilters(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: WillFilters() = %q; want %q", tt.name, got, tt.want)
		}
	}
}
