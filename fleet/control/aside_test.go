package control_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/control/api"
	"homefleet/fleet/metrics"
)

// Of a run that measures nothing, Wills are audited for who looks on.

// watched is a run that measures nothing; its lights have Wills that are delayed.
const watched = `
seed = 4
[connect]
rate = "50/s"
session_expiry = "1h"
[[device]]
kind = "light"
id = "lamp-{n}"
home = "flat"
count = 2
retain = true
will = { delay = "10s" }
[[device]]
kind = "plug"
id = "kettle"
home = "flat"
retain = true
`

func watchWills(b *bubbling) { b.options = func(o *fleet.Options) { o.WatchWills = true } }

// overheard is what was published while somebody listened, from goroutines of the client's.
type overheard struct {
	mu  sync.Mutex
	all []*paho.Publish
}

// overhear has a client of the test's own listen to all until what it returns is called.
func (h *bubbled) overhear() (o *overheard, leave func()) {
	conn, err := h.broker.Dial(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	o = new(overheard)
	c := paho.NewClient(paho.ClientConfig{Conn: packets.NewThreadSafeConn(conn), OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.all = append(o.all, p.Packet)
		return true, nil
	}}})
	if _, err := c.Connect(context.Background(), &paho.Connect{ClientID: "overhears", CleanStart: true, KeepAlive: 60}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := c.Subscribe(context.Background(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "#", QoS: 1}}}); err != nil {
		h.t.Fatal(err)
	}
	return o, func() { _ = c.Disconnect(&paho.Disconnect{}) }
}

// wills asks for Wills, as "device way verdict".
func (h *bubbled) wills(query string) (all []string) {
	h.t.Helper()
	var w api.Wills
	if err := json.Unmarshal([]byte(h.do("GET", "/v1/wills"+query, "")), &w); err != nil {
		h.t.Fatal(err)
	}
	for _, one := range w.Wills {
		all = append(all, one.ID+" "+one.Way+" "+one.Verdict)
	}
	slices.Sort(all)
	return all
}

// What a kill and an incident make of Wills, and how devices come back, is known of a run that
// measures nothing; its verdict is the one that it would have. The devices are not asked anything
// for that, and but for Will and presence nothing on the wire tells of it.
func TestWillsBesideTheRun(t *testing.T) {
	var heard *overheard
	res := inBubble(t, watched, func(h *bubbled) {
		<-h.fleet.Ready()
		var leave func()
		heard, leave = h.overhear()
		defer leave()
		h.do("POST", "/v1/actions/command", `{"select":{"kind":"light"},"attribute":"power","payload":"ON"}`)
		h.do("POST", "/v1/actions/kill", `{"select":{"kind":"light"}}`)
		if got := h.do("POST", "/v1/wait", `{"select":{"kind":"light"},"until":{"will":"on-time"},"timeout":"30s"}`); !strings.Contains(got, `"met":true`) {
			t.Errorf("wait for the Wills: %s; want it met", got)
		}
		h.do("POST", "/v1/actions/revive", `{"select":{"kind":"light"}}`)
		h.do("POST", "/v1/wait", `{"select":{"kind":"light"},"until":{"online":true}}`)
		h.do("POST", "/v1/incidents", `{"kind":"offline","target":{"home":"flat"},"for":"5s"}`)
		time.Sleep(30 * time.Second)
		want := []string{"kettle cut on-time", "lamp-1 cut not-due", "lamp-1 cut on-time", "lamp-2 cut not-due", "lamp-2 cut on-time"}
		if got := h.wills(""); !slices.Equal(got, want) {
			t.Errorf("Wills: %q; want %q", got, want)
		}
		if got := h.do("GET", "/v1/incidents/1", ""); !strings.Contains(got, `"affected":3,"online":3`) || strings.Contains(got, `"answering"`) {
			t.Errorf("the incident: %s; want all back, and nobody asked whether they answer", got)
		}
		if got := h.do("GET", "/v1", ""); !strings.Contains(got, `"wills"`) {
			t.Errorf("the run: %s; want the ability", got)
		}
		h.fleet.Stop()
	}, watchWills)
	if res.Verdict != metrics.VerdictRan || res.Audit == nil || res.Audit.Wills.OnTime != 3 || res.Audit.Wills.NotDue != 5 || len(res.Recoveries) == 0 {
		t.Errorf("result: %s %q, audit %+v, %d recoveries; want it as planned, with 3 on time, 2 not due and the 3 of the end, and recoveries", res.Verdict, res.Sentences, res.Audit, len(res.Recoveries))
	}
	for _, p := range heard.all {
		user := p.Properties.User
		presence := strings.HasSuffix(p.Topic, "/lwt")
		switch {
		case !presence && strings.HasPrefix(p.Topic, "homefleet/auditor"):
			t.Errorf("the auditor has asked: %s", p.Topic)
		case !presence && len(user) > 0:
			t.Errorf("%s has the User Properties %v; want none", p.Topic, user)
		case presence && len(user) != 1:
			t.Errorf("%s %s has the User Properties %v; want the one that tells Will and presence apart", p.Topic, p.Payload, user)
		}
	}
	if len(heard.all) < 10 {
		t.Errorf("%d messages were overheard; want those of two outages at least", len(heard.all))
	}
}

// A broker that does not let the auditor watch makes no difference to the run, which says why
// nothing is known; also where the first fault is to end the run.
func TestNobodyMayWatchTheWills(t *testing.T) {
	for name, failFast := range map[string]bool{"": false, "fail-fast": true} {
		t.Run(name, func(t *testing.T) {
			res := inBubble(t, watched, func(h *bubbled) {
				<-h.fleet.Ready()
				time.Sleep(time.Second)
				if status, text := h.ask("GET", "/readyz", ""); status != 200 {
					t.Errorf("ready: %d %s; want 200", status, text)
				}
				if status, text := h.ask("GET", "/v1/wills", ""); status != 409 || !strings.Contains(text, "the auditor cannot watch: ") || !strings.Contains(text, "must be allowed to connect") {
					t.Errorf("Wills: %d %s; want 409, and why", status, text)
				}
				if got := h.do("GET", "/v1", ""); strings.Contains(got, `"wills"`) {
					t.Errorf("the run: %s; want no such ability", got)
				}
				h.do("POST", "/v1/actions/kill", `{"select":{"kind":"light"}}`)
				h.do("POST", "/v1/actions/revive", `{"select":{"kind":"light"}}`)
				time.Sleep(20 * time.Second)
				h.fleet.Stop()
			}, watchWills, func(b *bubbling) {
				watch := b.options
				b.options = func(o *fleet.Options) { watch(o); o.FailFast = failFast }
				b.broker.Admit = func(i broker.ConnectInfo) byte {
					if strings.Contains(i.ClientID, "auditor") {
						return 0x87
					}
					return 0
				}
			})
			if res.Verdict != metrics.VerdictRan {
				t.Errorf("verdict %s, %q; want it as planned", res.Verdict, res.Sentences)
			}
		})
	}
}

// deaf is a connection over which nothing is published to the auditor.
type deaf struct {
	net.Conn
	auditor bool
	in, out []byte
}

func (d *deaf) Write(b []byte) (int, error) {
	d.auditor = d.auditor || bytes.Contains(b, []byte("homefleet-auditor"))
	return d.Conn.Write(b)
}

func (d *deaf) Read(p []byte) (int, error) {
	buf := make([]byte, 4096)
	for len(d.out) == 0 {
		n, err := d.Conn.Read(buf)
		d.in = append(d.in, buf[:n]...)
		for {
			size, used := binary.Uvarint(d.in[min(1, len(d.in)):]) // as MQTT has the Remaining Length (1.5.5)
			whole := 1 + used + int(size)
			if used <= 0 || len(d.in) < whole {
				break
			}
			const publish = 3
			if !d.auditor || d.in[0]>>4 != publish {
				d.out = append(d.out, d.in[:whole]...)
			}
			d.in = d.in[whole:]
		}
		if len(d.out) == 0 && err != nil {
			return 0, err
		}
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// A broker that takes the auditor's subscription and lets nothing through, as Mosquitto does by
// its ACL, is not blamed for Wills that nobody could see.
func TestAuditorThatHearsNothing(t *testing.T) {
	res := inBubble(t, watched, func(h *bubbled) {
		<-h.fleet.Ready()
		h.do("POST", "/v1/actions/kill", `{"select":{"id":"kettle"}}`)
		time.Sleep(20 * time.Second)
		if got, want := h.wills(""), []string{"kettle cut unwatched"}; !slices.Equal(got, want) {
			t.Errorf("Wills: %q; want %q", got, want)
		}
		h.do("POST", "/v1/actions/revive", `{"select":{"id":"kettle"}}`)
		time.Sleep(time.Second)
		h.fleet.Stop()
	}, watchWills, func(b *bubbling) {
		watch := b.options
		b.options = func(o *fleet.Options) {
			watch(o)
			dial := o.Dial
			o.Dial = func(ctx context.Context) (net.Conn, error) {
				c, err := dial(ctx)
				return &deaf{Conn: c}, err
			}
		}
	})
	if res.Verdict != metrics.VerdictRan || res.Audit.Wills.Missing > 0 || res.Audit.Wills.Unwatched != 1 {
		t.Errorf("verdict %s, %q, audit %+v; want it as planned, and one Will that is not judged", res.Verdict, res.Sentences, res.Audit.Wills)
	}
}

// A broker that never answers the auditor keeps nobody waiting for long.
func TestAnAuditorThatIsNotAnswered(t *testing.T) {
	inBubble(t, watched, func(h *bubbled) {
		<-h.fleet.Ready()
		if status, _ := h.ask("GET", "/readyz", ""); status != 503 {
			t.Errorf("ready: %d while the auditor may still come; want 503", status)
		}
		time.Sleep(time.Minute)
		if status, text := h.ask("GET", "/readyz", ""); status != 200 {
			t.Errorf("ready: %d %s; want 200", status, text)
		}
		h.fleet.Stop()
	}, watchWills, func(b *bubbling) {
		b.broker.Admit = func(i broker.ConnectInfo) byte {
			if strings.Contains(i.ClientID, "auditor") {
				return 0x88 // Server unavailable: it tries again
			}
			return 0
		}
	})
}

// Devices come whose Wills go elsewhere; of these nothing is known, and of the others all.
func TestAddedBesideTheRun(t *testing.T) {
	res := inBubble(t, watched, func(h *bubbled) {
		<-h.fleet.Ready()
		h.do("POST", "/v1/devices", `{"kind":"light","id":"elsewhere","will":{"topic":"far/{id}"}}`)
		h.do("POST", "/v1/devices", `{"kind":"light","id":"old","mqtt":"3.1.1"}`)
		h.do("POST", "/v1/devices", `{"kind":"light","id":"new"}`)
		h.do("POST", "/v1/wait", `{"select":{"ids":["elsewhere","old","new"]},"until":{"online":true},"timeout":"5s"}`)
		h.do("POST", "/v1/actions/kill", `{"select":{"ids":["elsewhere","old","new"]}}`)
		h.do("POST", "/v1/wait", `{"select":{"ids":["elsewhere","old","new"]},"until":{"online":false},"timeout":"5s"}`)
		time.Sleep(5 * time.Second)
		if got, want := h.wills(""), []string{"new cut on-time"}; !slices.Equal(got, want) {
			t.Errorf("Wills: %q; want %q", got, want)
		}
		h.do("POST", "/v1/actions/revive", `{"select":{"ids":["elsewhere","old","new"]}}`)
		time.Sleep(5 * time.Second)
		h.fleet.Stop()
	}, watchWills)
	if res.Verdict != metrics.VerdictRan || res.Audit.Wills.Due != 1 || res.Audit.Wills.OnTime != 1 {
		t.Errorf("verdict %s, %q, audit %+v; want it as planned, with one Will", res.Verdict, res.Sentences, res.Audit.Wills)
	}
}

// A run that measures is not watched beside.
func TestNothingIsWatchedBesideAMeasurement(t *testing.T) {
	res := inBubble(t, loaded+"rate = \"10/s\"\n", func(h *bubbled) {
		h.at(time.Second)
		if status, text := h.ask("GET", "/v1/wills", ""); status != 409 || !strings.Contains(text, "nobody audits") {
			t.Errorf("Wills of a measurement: %d %s; want 409", status, text)
		}
	}, watchWills)
	if res.Audit != nil {
		t.Errorf("audit of a measurement: %+v; want none", res.Audit)
	}
}
