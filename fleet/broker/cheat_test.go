package broker

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A broker that cheats with Wills does exactly what Config.Will says.
func TestConfigWill(t *testing.T) {
	ps := props(8, "answer", 0x26, "key", "value")
	bare := props(0x26, "key", "value")
	noUser := props(8, "answer")
	in := pkt(0x10, "MQTT", 5, 6, u16(0), props(), "c", ps, "will", "gone")
	will := func(p raw) raw { return pub5(0, "will", 0, p, "gone") }
	for _, tt := range []struct {
		name  string
		fate  WillFate
		leave raw // nil: the connection is lost
		want  []raw
		after time.Duration
	}{
		{name: "kept", fate: WillFate{Copies: 1}, want: []raw{will(ps)}},
		{name: "lost", fate: WillFate{}},
		{name: "twice", fate: WillFate{Copies: 2}, want: []raw{will(ps), will(ps)}},
		{name: "no Response Topic", fate: WillFate{Copies: 1, StripResponseTopic: true}, want: []raw{will(bare)}},
		{name: "no User Properties", fate: WillFate{Copies: 1, StripUserProperties: true}, want: []raw{will(noUser)}},
		{name: "late", fate: WillFate{Copies: 1, Delay: time.Minute}, want: []raw{will(ps)}, after: time.Minute},
		{name: "DISCONNECT 0x00", fate: WillFate{}, leave: disconnect},
		{name: "none due", fate: WillFate{Copies: 1}, leave: disconnect, want: []raw{will(ps)}},
		{name: "DISCONNECT 0x04", fate: WillFate{Copies: 1}, leave: unhex("e00104"), want: []raw{will(ps)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked []WillInfo
			config := Config{Will: func(i WillInfo) WillFate {
				asked = append(asked, i)
				return tt.fate
			}}
			bubble(t, config, func(t *testing.T, b *Broker) {
				w, _ := connect(t, b, connectV5("watcher"))
				w.subscribe("will", 0)
				c, _ := connect(t, b, in)
				if tt.leave != nil {
					c.send(tt.leave)
					synctest.Wait()
				} else {
					c.crash()
				}
				if tt.after > 0 {
					w.wantSilence(tt.after - 1)
				}
				w.want(tt.want...)
				w.wantSilence(time.Hour)
				want := WillInfo{Number: 1, ClientID: "c", Topic: "will", Due: string(tt.leave) != string(disconnect)}
				if len(asked) != 1 || asked[0] != want {
					t.Errorf("Will was asked about %+v; want %+v", asked, want)
				}
				if got := b.Stats().WillsPublished; got != uint64(len(tt.want)) {
					t.Errorf("Stats().WillsPublished = %d; want %d", got, len(tt.want))
				}
			})
		})
	}
}

// Wills that are due and those that are not are numbered apart, and nobody is
// asked about the Will of a session that is resumed in time or of a broker that
// is closed.
func TestConfigWillNumbers(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	config := Config{Will: func(i WillInfo) WillFate {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, fmt.Sprintf("%s %d %v", i.ClientID, i.Number, i.Due))
		return WillFate{}
	}}
	bubble(t, config, func(t *testing.T, b *Broker) {
		open := func(id string, delay int) *client {
			c, _ := connect(t, b, pkt(0x10, "MQTT", 5, 4, u16(0), props(expiry100), id, props(0x18, u32(delay)), "w", ""))
			return c
		}
		open("a", 0).crash()
		open("b", 0).bye()
		open("a", 50).crash()
		open("a", 50).crash() // resumed in time
		time.Sleep(50 * time.Second)
		synctest.Wait()
		open("c", 0).bye()
		open("d", 0)
		late := open("e", 1)
		late.crash()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		want := fmt.Sprint([]string{"a 1 true", "b 1 false", "a 2 true", "c 2 false"})
		if got := fmt.Sprint(asked); got != want {
			t.Errorf("Will was asked about %v; want %v", got, want)
		}
	})
}
