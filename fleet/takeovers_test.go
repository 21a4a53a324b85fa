package fleet

import (
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/scenarios"
)

// fought is what is said of two fleets with the same client ids.
const fought = "another client uses the same client ids"

// Two fleets with one set of ids on one broker, which with MQTT 3.1.1 says nothing as it
// throws clients off (3.1.1: 3.1.4-2), are told of: once in the log, and in the result, also
// where nothing is measured.
func TestTwoFleetsWithTheSameIDs(t *testing.T) {
	const toml = `
duration = "2m"
[broker]
mqtt = "3.1.1"
[[device]]
kind = "light"
count = 3
id = "lamp-{n}"
[connect]
backoff_max = "5s"
`
	brew(t, toml, broker.Config{}, func(s *storm) {
		time.Sleep(10 * time.Second)
		other, err := New(scenarioOf(t, toml), Options{Dial: s.broker.Dial, Run: "r2"})
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Run(s.t.Context()); err != nil {
			t.Error(err)
		}
		_ = s.ended.wait()
		checkFought(t, s)
	})
}

func checkFought(t *testing.T, s *storm) {
	t.Helper()
	if n := strings.Count(s.log.String(), fought); n != 1 {
		t.Errorf("the log tells %d times of a fight; want once", n)
	}
	res, err := s.fleet.Result()
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(res.Remarks, "\n"); !strings.Contains(text, fought) || !strings.Contains(text, "of 3 clients again and again") || !strings.Contains(text, "lamp-") {
		t.Errorf("the result remarks %q; want that three clients fight, and one of them", text)
	}
	if text := strings.Join(res.Sentences, "; "); strings.Contains(text, "nothing went wrong") {
		t.Errorf("the result says %q of connections that were lost", text)
	}
}

// With MQTT 5 the broker says so (3.1.4-3), and the first fleet goes.
func TestTakenOverIsTold(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		p.write([]byte{0xe0, 0x02, 0x8e, 0x00})
		_ = b.ended.wait() // no device is left
		res, _ := b.fleet.Result()
		if text := strings.Join(res.Remarks, "\n"); !strings.Contains(text, "another client has taken over 1 connection with the same client id (0x8E), first that of lamp") {
			t.Errorf("the result remarks %q; want that it was taken over", text)
		}
	})
}

// What closes connections in a rhythm of its own is no fight; what closes them after a long
// time, or because it is away, is nothing.
func TestClosedByOthers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after time.Duration
		times int
		want  string // "": nothing
	}{
		{"at once, as what forbids a message does", time.Millisecond, 5, "again and again, without a word, each some 1ms after"},
		{"after a time limit", 5 * time.Second, 5, "again and again, without a word, each some 5s after"},
		{"after a time that is no sign of anything", 10 * time.Minute, 5, ""},
		{"twice", time.Second, 2, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, oneLight(func(sc *scenarios.Scenario) { sc.Connect.KeepAlive = time.Hour }), func(t *testing.T, b *script) {
				for range tt.times {
					p := b.accept()
					p.welcome(nil)
					time.Sleep(tt.after)
					p.conn.Close()
				}
				p := b.accept()
				p.welcome(nil)
				b.stop()
				p.wantEnd()
				_ = b.ended.wait()
				res, _ := b.fleet.Result()
				text := strings.Join(res.Remarks, "\n")
				if tt.want == "" && text != "" || !strings.Contains(text, tt.want) || strings.Contains(text, fought) {
					t.Errorf("the result remarks %q; want %q", text, tt.want)
				}
			})
		})
	}
}

// A fight that the scenario wants is no news.
func TestFightOnPurpose(t *testing.T) {
	sc := `
[connect]
session_expiry = "1h"
[phases]
measure = "2m"
[[device]]
kind = "light"
id = "lamp"
` + incidentOf("id-fight", "5s", "1m")
	brew(t, sc, broker.Config{}, func(s *storm) {
		_ = s.ended.wait()
		res, err := s.fleet.Result()
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(res.Remarks, "\n"); strings.Contains(text, "another client") {
			t.Errorf("the result remarks %q; want nothing of what an incident did", text)
		}
	})
}

// A broker that has not what the scenario wants ends the run at once, with the cause, and so
// does one whose devices were up and are gone when the measuring is to begin.
func TestPointless(t *testing.T) {
	const load = `
[phases]
connect = "20s"
measure = "1h"
[[device]]
kind = "light"
telemetry = "1s"
`
	for _, tt := range []struct {
		name, toml string
		config     broker.Config
		want       string
	}{
		{"watchers that share", load + "[[watcher]]\nshare = \"all\"\n", broker.Config{Limits: broker.Limits{NoShared: true}}, "no shared subscriptions"},
		{"controllers that share", load + "[[controller]]\nattribute = \"power\"\nrate = \"1/s\"\nshare_replies = true\n", broker.Config{Limits: broker.Limits{NoShared: true}}, "no shared subscriptions"},
		{"watchers with wildcards", load + "[[watcher]]\ntopics = [\"tele/+/state\"]\n[[watcher]]\ntopics = [\"tele/light-1/state\"]\n", broker.Config{Limits: broker.Limits{NoWildcards: true}}, "no wildcard subscriptions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			brew(t, tt.toml, tt.config, func(s *storm) {
				began := time.Now()
				_ = s.ended.wait()
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("the run took %v; want it to end at once", took)
				}
				if _, err := s.fleet.Result(); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("Result() = %v; want %q", err, tt.want)
				}
			}, func(o *Options) { o.EndIfNobody = true })
		})
	}
	t.Run("devices that went again", func(t *testing.T) {
		sc, faults := scenarios.Load("x.toml", []byte(load+"[[device]]\nkind = \"plug\"\n"))
		if err := faults.Err(); err != nil {
			t.Fatal(err)
		}
		play(t, sc, func(t *testing.T, b *script) {
			p := b.accept()
			p.welcome(nil)
			p.conn.Close()
			b.listener.Close()
			began := time.Now()
			_ = b.ended.wait()
			if took := time.Since(began); took > time.Minute {
				t.Errorf("the run took %v; want it to end after the connect phase", took)
			}
			if _, err := b.fleet.Result(); err == nil || !strings.Contains(err.Error(), "1 device came up and went again: none is online after 20s") {
				t.Errorf("Result() = %v; want that the device went again", err)
			}
		}, func(o *Options) { o.EndIfNobody = true })
	})
}
