package broker

import (
	"testing"
	"testing/synctest"
	"time"
)

// A client that is back is not overtaken by its own Will: what it says then comes
// after it, also where both are under way at the same moment.
func TestWillComesBeforeItsClientIsBack(t *testing.T) {
	for _, tt := range []struct {
		name  string
		delay int
		back  raw
		after time.Duration
	}{
		{"session that ends", 0, connectV5("c"), 0},
		{"session that lasts", 0, resumeV5("c"), 0},
		{"Will Delay that is over", 5, resumeV5("c"), 5 * time.Second},
		{"Will Delay that Clean Start ends", 5, connectV5("c"), time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			slow := Config{Will: func(WillInfo) WillFate {
				time.Sleep(time.Second)
				return WillFate{Copies: 1}
			}}
			bubble(t, slow, func(t *testing.T, b *Broker) {
				w, _ := connect(t, b, connectV5("watcher"))
				w.subscribe("will", 0)
				c, _ := connect(t, b, connectWill(true, 0, 100, props(0x18, u32(tt.delay))))
				c.crash()
				time.Sleep(tt.after)
				synctest.Wait()
				again, _ := connect(t, b, tt.back)
				again.send(pub5(0, "will", 0, props(), "back"))
				for _, want := range []string{"gone", "back"} {
					if got := w.publication(); got.payload != want {
						t.Errorf("the watcher gets %q; want %q", got.payload, want)
					}
				}
			})
		})
	}
}
