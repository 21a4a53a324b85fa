package scenarios

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// house is the users file of a house: alice has a part of the topic tree of her
// own, and the devices may do what devices do.
const house = `
anonymous = true

[[user]]
name = "alice"
password_env = "ALICE_PASSWORD"
response_information = "users/{user}/"
publish = ["cmnd/#"]

[[user]]
name = "devices"
password_file = "/run/secrets/devices"
publish = ["state/{client}/#", "tele/{client}/#", "users/#"]
subscribe = ["cmnd/{client}/#", "will/seen/{client}"]

[[user]]
name = "guest"
password = "welcome"
subscribe = ["state/+/power"]

[limits]
maximum_qos = 1
retain = false
maximum_packet_size = "64KiB"
receive_maximum = 20
topic_alias_maximum = 0
keep_alive = "2m"
session_expiry_max = "never"
wildcard_subscriptions = true
shared_subscriptions = false
subscription_identifiers = false
`

func TestLoadUsers(t *testing.T) {
	f, faults := LoadUsers("users.toml", []byte(house))
	if len(faults) > 0 {
		t.Fatalf("LoadUsers(house) finds\n%s", faults)
	}
	want := &UsersFile{
		Name: "users.toml", Anonymous: true,
		Users: []User{
			{Name: "alice", Password: Password{Env: "ALICE_PASSWORD"}, ResponseInformation: "users/{user}/", Publish: []Filter{"cmnd/#"}, Subscribe: []Filter{}},
			{Name: "devices", Password: Password{File: "/run/secrets/devices"},
				Publish:   []Filter{"state/{client}/#", "tele/{client}/#", "users/#"},
				Subscribe: []Filter{"cmnd/{client}/#", "will/seen/{client}"}},
			{Name: "guest", Password: Password{Text: "welcome"}, Publish: []Filter{}, Subscribe: []Filter{"state/+/power"}},
		},
		Limits: Limits{
			MaximumQoS: new(byte(1)), Retain: new(false), MaximumPacketSize: new(uint32(65536)), ReceiveMaximum: new(uint16(20)),
			TopicAliasMaximum: new(0), KeepAlive: new(2 * time.Minute), SessionExpiryMax: new(SessionNeverExpires),
			WildcardSubscriptions: new(true), SharedSubscriptions: new(false), SubscriptionIdentifiers: new(false),
		},
	}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("LoadUsers(house) = %+v; want %+v", f, want)
	}
	if f, faults := LoadUsers("x", []byte("anonymous = true\n")); len(faults) > 0 || f.Limits != (Limits{}) {
		t.Errorf("LoadUsers(anonymous) = %+v, %v; want every limit left to the broker", f, faults)
	}
}

// What the broker fills in is what braces are for; all others are refused, so
// that nobody is let in elsewhere than the file seems to say.
func TestBracesOfFilters(t *testing.T) {
	for filter, want := range map[string]bool{
		"x/{user}/{client}/#": true, "{user}{client}": true,
		"x/{{user}}": false, "x/{{{user}}}": false, "x/{user:3}": false, "x/{User}": false, "x/{usr}": false,
		"x/{": false, "x/}": false, "x/{}": false, "x/{{": false, "{user}}": false,
	} {
		for _, key := range []string{"publish", "subscribe"} {
			src := fmt.Sprintf("[[user]]\nname = \"a\"\npassword = \"b\"\n%s = [%q]\n", key, filter)
			if f, faults := LoadUsers("users.toml", []byte(src)); (f != nil) != want {
				t.Errorf("LoadUsers with %s = [%q] finds\n%s\nwant it taken: %v", key, filter, faults, want)
			}
		}
	}
	src := "[[user]]\nname = \"a\"\npassword = \"b\"\nresponse_information = \"{{user}}/\"\n"
	if f, _ := LoadUsers("users.toml", []byte(src)); f != nil {
		t.Error("LoadUsers takes the response_information {{user}}/; want it refused")
	}
}
