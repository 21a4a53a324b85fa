package scenarios

import (
	"reflect"
	"slices"
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
			TopicAliasMaximum: new(uint16(0)), KeepAlive: new(2 * time.Minute), SessionExpiryMax: new(SessionNeverExpires),
			WildcardSubscriptions: new(true), SharedSubscriptions: new(false), SubscriptionIdentifiers: new(false),
		},
	}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("LoadUsers(house) = %+v; want %+v", f, want)
	}
	for _, tt := range []struct {
		user               int
		client             string
		publish, subscribe []string
		own                string
	}{
		{0, "phone", []string{"users/alice/#", "cmnd/#"}, []string{"users/alice/#"}, "users/alice/"},
		{1, "lamp", []string{"state/lamp/#", "tele/lamp/#", "users/#"}, []string{"cmnd/lamp/#", "will/seen/lamp"}, ""},
		{1, "#", []string{"users/#"}, nil, ""},
	} {
		publish, subscribe, own := f.Users[tt.user].Grants(tt.client)
		if publish == nil || subscribe == nil {
			t.Errorf("Grants(%q) of %s = nil lists; want empty ones, since a broker may take nil for everything", tt.client, f.Users[tt.user].Name)
		}
		if !slices.Equal(publish, tt.publish) || !slices.Equal(subscribe, tt.subscribe) || own != tt.own {
			t.Errorf("Grants(%q) of %s = %q, %q, %q; want %q, %q, %q", tt.client, f.Users[tt.user].Name,
				publish, subscribe, own, tt.publish, tt.subscribe, tt.own)
		}
	}
	if f, faults := LoadUsers("x", []byte("anonymous = true\n")); len(faults) > 0 || f.Limits != (Limits{}) {
		t.Errorf("LoadUsers(anonymous) = %+v, %v; want every limit left to the broker", f, faults)
	}
}
