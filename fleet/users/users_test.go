package users

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/scenarios"
)

// TestConfig reads users files and compares what the broker gets.
func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		name, src string
		want      broker.Config
	}{
		{"nobody named", "anonymous = true\n", broker.Config{Anonymous: true}},
		{"a user without lists may do nothing", "[[user]]\nname = \"a\"\npassword = \"p\"\nresponse_information = \"r/\"\nclient_ids = [\"a-*\"]\nmaximum_sessions = 3\n",
			broker.Config{Users: []broker.User{{Name: "a", Password: "p", Publish: []string{}, Subscribe: []string{}, ResponseInformation: "r/", ClientIDs: []string{"a-*"}, MaximumSessions: 3}}}},
		{"filters", "[[user]]\nname = \"a\"\npassword_env = \"A_PASSWORD\"\npublish = [\"x/{user}/#\"]\nsubscribe = [\"y\", \"z\"]\n",
			broker.Config{Users: []broker.User{{Name: "a", Password: "from A_PASSWORD", Publish: []string{"x/{user}/#"}, Subscribe: []string{"y", "z"}}}}},
		{"announced limits", "anonymous = true\n[limits]\nmaximum_qos = 1\nretain = false\nmaximum_packet_size = \"64KiB\"\nreceive_maximum = 20\ntopic_alias_maximum = 7\nkeep_alive = \"2m\"\n" +
			"session_expiry_max = \"1h\"\nwildcard_subscriptions = false\nshared_subscriptions = false\nsubscription_identifiers = false\nresponse_topic = \"any\"\n",
			broker.Config{Anonymous: true, Limits: broker.Limits{MaximumQoS: new(byte(1)), NoRetain: true, MaximumPacketSize: 65536, ReceiveMaximum: 20, TopicAliasMaximum: 7, ServerKeepAlive: 120,
				MaximumSessionExpiry: time.Hour, NoWildcards: true, NoShared: true, NoSubscriptionIDs: true, ForeignResponseTopics: true}}},
		{"what is as it is anyway", "anonymous = true\n[limits]\nretain = true\nwildcard_subscriptions = true\nresponse_topic = \"own\"\nsession_expiry_max = \"never\"\n", broker.Config{Anonymous: true}},
		{"none, where 0 is the broker's default", "anonymous = true\n[limits]\ntopic_alias_maximum = 0\nsession_expiry_max = \"0s\"\n",
			broker.Config{Anonymous: true, Limits: broker.Limits{TopicAliasMaximum: -1, MaximumSessionExpiry: -1}}},
		{"other limits", "anonymous = true\n[limits]\nmaximum_connections = 1\nmaximum_sessions = 2\nmaximum_user_sessions = 3\nmaximum_subscriptions = 4\nmaximum_filters = 5\nmaximum_overlap = 6\n" +
			"maximum_queued = 7\nmaximum_retained = 8\nclient_memory = \"1MiB\"\nuser_memory = \"3MiB\"\ntotal_memory = \"2MiB\"\n",
			broker.Config{Anonymous: true, Limits: broker.Limits{MaximumConnections: 1, MaximumSessions: 2, MaximumUserSessions: 3, MaximumSubscriptions: 4, MaximumFilters: 5, MaximumOverlap: 6,
				MaximumQueued: 7, MaximumRetained: 8, ClientMemory: 1 << 20, UserMemory: 3 << 20, TotalMemory: 2 << 20}}},
	} {
		file, faults := scenarios.LoadUsers("users.toml", []byte(tt.src))
		if file == nil {
			t.Fatalf("%s: LoadUsers finds\n%s", tt.name, faults)
		}
		got, err := Config(file, func(p scenarios.Password) ([]byte, error) {
			if p.Env != "" {
				return []byte("from " + p.Env), nil
			}
			return []byte(p.Text), nil
		})
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: Config(%s) = %+v, %v; want %+v", tt.name, tt.src, got, err, tt.want)
		}
	}
}

// TestConfigWithoutPassword checks that the error says whose password it is.
func TestConfigWithoutPassword(t *testing.T) {
	file, _ := scenarios.LoadUsers("users.toml", []byte("[[user]]\nname = \"alice\"\npassword_file = \"gone\"\npublish = [\"#\"]\n"))
	gone := errors.New("there is no such file")
	_, err := Config(file, func(scenarios.Password) ([]byte, error) { return nil, gone })
	if !errors.Is(err, gone) || !strings.HasPrefix(err.Error(), `users.toml: user "alice": `) {
		t.Errorf("Config without a password = %v; want the cause, the file and the user", err)
	}
}
