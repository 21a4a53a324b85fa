package scenarios

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
)

func TestParseOrder(t *testing.T) {
	light := devices.Kinds()[0]
	for _, k := range devices.Kinds() {
		if k.Name == "light" {
			light = k
		}
	}
	for _, tt := range []struct {
		verb Verb
		body string
		want Order
	}{
		{Kill, `{"select":{"kind":"light"},"way":"cut"}`, Order{Select: Selector{Target: Target{Kind: light}}, Way: Cut}},
		{Kill, `{"select":{"all":true},"for":"30s","spread":"2s","way":"silence"}`, Order{Select: Selector{All: true}, Way: Silence, For: 30 * time.Second, Spread: 2 * time.Second}},
		{Kill, `{"select":{"ids":["a","b"]}}`, Order{Select: Selector{IDs: []string{"a", "b"}}, Way: Cut}},
		{Revive, `{"select":{"online":false},"session":"clean"}`, Order{Select: Selector{Online: new(bool)}, Return: AtOnce, Session: Clean}},
		{Command, `{"select":{"id":"flat-*"},"attribute":"power","payload":"ON"}`, Order{Select: Selector{Target: Target{ID: "flat-*"}}, Attribute: "power", Payload: "ON", Via: ByMQTT, QoS: 1, Timeout: 5 * time.Second}},
		{Command, `{"select":{"share":"10%"},"attribute":"power","via":"hand","qos":0}`, Order{Select: Selector{Target: Target{Share: 0.1}}, Attribute: "power", Via: ByHand, QoS: 0, Timeout: 5 * time.Second}},
		{Misbehave, `{"select":{"id":"x"},"drop":"100%"}`, Order{Select: Selector{Target: Target{ID: "x"}}, Misbehavior: Misbehavior{Drop: 1, filled: true}}},
		{ResetAll, `{"select":{"home":"flat-07"}}`, Order{Select: Selector{Target: Target{Home: "flat-07"}}}},
		{Wait, `{"select":{"id":"porch"},"until":{"values":{"power":"ON"},"count":1},"timeout":"5s"}`,
			Order{Select: Selector{Target: Target{ID: "porch"}}, Until: Until{Values: map[string]string{"power": "ON"}, Count: 1}, Timeout: 5 * time.Second}},
		{Wait, `{"select":{"all":true},"until":{"online":true}}`, Order{Select: Selector{All: true}, Until: Until{Online: new(true)}, Timeout: 10 * time.Second}},
	} {
		got, err := ParseOrder(tt.verb, []byte(tt.body), true)
		if err != nil {
			t.Errorf("ParseOrder(%s, %s): %v", tt.verb, tt.body, err)
			continue
		}
		if !reflect.DeepEqual(*got, tt.want) {
			t.Errorf("ParseOrder(%s, %s) = %+v; want %+v", tt.verb, tt.body, *got, tt.want)
		}
	}
}

func TestParseOrderFaults(t *testing.T) {
	for _, tt := range []struct {
		verb       Verb
		body, want string
	}{
		{Kill, `{}`, `select: nobody is selected; want kind, id, ids, home, share or online (everybody is "select": {"all": true})`},
		{Kill, `{"select":{}}`, `select: nobody is selected; want kind, id, ids, home, share or online (everybody is "select": {"all": true})`},
		{Kill, `{"select":{"all":false}}`, `select: nobody is selected; want kind, id, ids, home, share or online (everybody is "select": {"all": true})`},
		{Kill, `{"select":{"knid":"light"}}`, `select.knid: unknown key "knid" in select (did you mean "kind"?)`},
		{Kill, `{"select":{"kind":"lihgt"}}`, `select.kind: unknown kind "lihgt"; want "light", "thermostat", "plug" or "bridge" (did you mean "light"?)`},
		{Kill, `{"select":{"all":true},"way":"cutt"}`, `way: way has no choice "cutt"; want "orderly", "with-will", "cut", "reset", "silence", "unplugged" or "process-exit" (did you mean "cut"?)`},
		{Kill, `{"select":{"all":true},"for":30}`, `for: for is 30, which has no unit; want a duration such as "30s" (did you mean "30s"?)`},
		{Kill, `{"select":{"all":true},"way":"cut","retrun":"at-once"}`, `retrun: unknown key "retrun" (known keys: select, way, for, spread)`},
		{Kill, `{"select":{"share":"0%"}}`, `select.share: share is "0%", which is nobody; want more`},
		{Misbehave, `{"select":{"all":true}}`, `: a misbehave that says nothing of what they are to do wrong (add drop = "10%", say)`},
		{Misbehave, `{"select":{"all":true},"drop":"60%","error":"60%"}`, `: what goes wrong with answers adds up to 120%; want at most 100%: one answer gets one of it`},
		{Command, `{"select":{"all":true},"payload":"ON"}`, `attribute: a command without an attribute (add attribute = "power", say)`},
		{Command, `{"select":{"all":true},"attribute":"power","payload":1}`, `payload: payload is the number 1; want text (did you mean "1"?)`},
		{Wait, `{"select":{"all":true}}`, `until: nothing is waited for; want online, values or will (add "until": {"online": true}, say)`},
		{Wait, `{"select":{"all":true},"until":{"values":{"power":true}}}`, `until.values.power: power is true; want text (did you mean "true"?)`},
		{Wait, `{"select":{"all":true},"until":{"online":true},"timeout":"1h"}`, `timeout: timeout is 1h; want 0s to 10m`},
		{Wait, `{"select":{"all":true},"until":{"will":"on time"}}`, `until.will: will has no choice "on time"; want "pending", "not-due", "on-time", "early", "late", "missing", "unwatched" or "unexpected" (did you mean "on-time"?)`},
	} {
		_, err := ParseOrder(tt.verb, []byte(tt.body), true)
		if got := faultLines(err); got != tt.want {
			t.Errorf("ParseOrder(%s, %s):\n%s\nwant:\n%s", tt.verb, tt.body, got, tt.want)
		}
	}
}

func faultLines(err error) string {
	faults, _ := errors.AsType[Faults](err)
	var lines []string
	for _, f := range faults {
		line := f.Path + ": " + f.Message
		if f.Hint != "" {
			line += " (" + f.Hint + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestParseIncident(t *testing.T) {
	got, err := ParseIncident([]byte(`{"kind":"power-cut","target":{"home":"flat-07"},"for":"5s"}`))
	if err != nil || got.Kind != PowerCut || got.For != 5*time.Second || got.Target.Home != "flat-07" || got.Way != Unplugged {
		t.Errorf("ParseIncident() = %+v, %v", got, err)
	}
	for _, tt := range []struct{ body, want string }{
		{`{"kind":"power-cut","for":"5s","every":"1m"}`, `every: every is for incidents of a scenario; one that is asked for happens once (leave it out, and ask again when it is to happen again)`},
		{`{"kind":"powercut","for":"5s"}`, `kind: kind has no choice "powercut"; want "offline", "power-cut", "router-reboot", "wifi-loss", "firmware-roll", "flapping", "broker-outage", "id-fight" or "slow-link" (did you mean "power-cut"?)`},
		{`{"kind":"wifi-loss","for":"5s","way":"cut"}`, `way: way does not go with kind = "wifi-loss"; it goes with "offline", "power-cut", "firmware-roll" or "flapping" (the devices go on running, without a network; with kind = "offline" they leave)`},
	} {
		_, err := ParseIncident([]byte(tt.body))
		if got := faultLines(err); got != tt.want {
			t.Errorf("ParseIncident(%s):\n%s\nwant:\n%s", tt.body, got, tt.want)
		}
	}
}

// Whoever selects nobody is told which part is to blame, and what is near.
func TestSelectedAndNobody(t *testing.T) {
	sc, faults := Load("x", fmt.Appendf(nil, village, 1, 4))
	if faults.Err() != nil {
		t.Fatal(faults)
	}
	if got := sc.Selected(Target{Home: "flat-00*"}, 1); len(got) != 12 {
		t.Errorf("Selected() has %d devices; want 12", len(got))
	}
	half := Target{Share: 0.5}
	if a, b := fmt.Sprint(sc.Selected(half, 1)), fmt.Sprint(sc.Selected(half, 2)); a == b {
		t.Error("two choices of a half are the same devices; want each drawn for itself")
	}
	for _, tt := range []struct {
		target Target
		want   string
	}{
		{Target{ID: "flat-001-lihgt-1"}, `select.id: no device has an id like "flat-001-lihgt-1" (did you mean "flat-001-light-1"? A * stands for any run of characters)`},
		{Target{Home: "hal"}, `select.home: no device is in a home like "hal" (did you mean "hall"? A * stands for any run of characters)`},
	} {
		if got := faultLines(Faults{sc.WhyNobody(tt.target, 1)}); got != tt.want {
			t.Errorf("WhyNobody(%+v) = %s; want %s", tt.target, got, tt.want)
		}
	}
}

// Every key of an order that can be read is told of, and no other.
func TestOrderFactsAreComplete(t *testing.T) {
	for verb := range orderKeys {
		for _, f := range OrderFacts(verb, true) {
			if f.Doc == "" || f.Want == "" {
				t.Errorf("%s: %s has no sentence, or does not say what is wanted", verb, f.Name)
			}
			_, err := ParseOrder(verb, fmt.Appendf(nil, `{%q: [[]]}`, f.Name), true)
			if text := faultLines(err); strings.Contains(text, "unknown key") {
				t.Errorf("%s: %s is told of, and is not known: %s", verb, f.Name, text)
			}
		}
	}
}

func FuzzParseOrder(f *testing.F) {
	f.Add(0, `{"select":{"kind":"light","ids":["a"],"share":"10%"},"way":"cut","for":"1s"}`)
	f.Add(1, `{"select":{"all":true},"until":{"values":{"power":"ON"}},"timeout":"5s"}`)
	f.Add(2, `{"select":{"online":true},"late":"50%","late_min":"1s","late_max":"2s"}`)
	sc, faults := Load("x", fmt.Appendf(nil, village, 1, 4))
	if faults.Err() != nil {
		f.Fatal(faults)
	}
	verbs := []Verb{Kill, Wait, Misbehave, Command, Revive, ResetAll, Behave}
	f.Fuzz(func(t *testing.T, n int, body string) {
		verb := verbs[uint(n)%uint(len(verbs))]
		o, err := ParseOrder(verb, []byte(body), true)
		if (o == nil) == (err == nil) {
			t.Fatalf("ParseOrder(%s, %q) = %v, %v; want one of the two", verb, body, o, err)
		}
		if o != nil && len(sc.Selected(o.Select.Target, 1)) == 0 {
			if fault := sc.WhyNobody(o.Select.Target, 1); fault.Message == "" {
				t.Errorf("WhyNobody(%+v) says nothing", o.Select.Target)
			}
		}
		_, _ = ParseIncident([]byte(body))
	})
}

// What is told of an incident's keys covers all that an incident can be asked with.
func TestIncidentFacts(t *testing.T) {
	facts := IncidentFacts()
	for _, k := range facts {
		if k.Name == "at" && (strings.Contains(k.Want+k.Doc, "day") || k.Doc != "from now") {
			t.Errorf("IncidentFacts() has %+v; want no time of day, which is for incidents of a scenario", k)
		}
	}
	if len(facts) != len(incidentKeys.keys)-3 {
		t.Errorf("IncidentFacts() has %d keys; want all but every, times and chance of %d", len(facts), len(incidentKeys.keys))
	}
	for _, f := range facts {
		if f.Name == "for" && (!f.Required || f.Type != "string") {
			t.Errorf("for: %+v; want a text that is required", f)
		}
	}
}
