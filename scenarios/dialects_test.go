package scenarios

import (
	"strings"
	"testing"
)

// A command to a group is one message: all of its devices must hear it.
func TestGroupsHaveOneDialect(t *testing.T) {
	const (
		lamp = "[[device]]\nkind = \"light\"\nid = \"l-{n}\"\ngroups = [\"all\"]\n"
		plug = "[[device]]\nkind = \"plug\"\nid = \"p-{n}\"\ngroups = [\"all\"]\n"
		all  = "[[controller]]\ngroup = \"all\"\nattribute = \"power\"\nrate = \"1/s\"\n[phases]\nmeasure = \"1s\"\n"
	)
	for _, tt := range []struct{ toml, want string }{
		{lamp + plug + all, ""},
		{lamp + "face = \"home-assistant\"\n" + plug + "face = \"home-assistant\"\n" + all, ""},
		{lamp + plug + "face = \"home-assistant\"\n" + all, `devices of the group "all" speak different dialects: "cmnd/all/power" commands some, and "homefleet/all/set/power" others`},
		{lamp + "face = \"home-assistant\"\n" + plug + "face = { name = \"home-assistant\", base_topic = \"b\" }\n" + all, `"homefleet/all/set/power" commands some, and "b/all/set/power" others`},
		{plug + "face = \"shelly\"\n" + all, `face "shelly": a Shelly has no further names, and so no groups`},
		{lamp + "face = \"homie\"\n" + all, `face "homie": a device of Homie's has no further names, and so no groups`},
	} {
		_, faults := Load("t.toml", []byte(tt.toml))
		var got []string
		for _, f := range faults.Errors() {
			got = append(got, f.Text())
		}
		if text := strings.Join(got, "\n"); tt.want == "" && text != "" || !strings.Contains(text, tt.want) {
			t.Errorf("Load(%q) says %q; want %q", tt.toml, text, tt.want)
		}
	}
}
