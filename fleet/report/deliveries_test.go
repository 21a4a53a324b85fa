package report

import (
	"bytes"
	"strings"
	"testing"

	"homefleet/fleet/metrics"
)

func TestDeliveriesInWords(t *testing.T) {
	r := &metrics.Result{Version: metrics.ResultVersion, Snapshot: metrics.Snapshot{Deliveries: []metrics.Delivery{
		{Watcher: "servers", Shared: true, Watchers: 2, QoS: 1, DeliveryTotals: metrics.DeliveryTotals{Sent: 1500, Delivered: 1500}},
		{Watcher: "panels", Watchers: 3, QoS: 0, DeliveryTotals: metrics.DeliveryTotals{Sent: 4500, Delivered: 4000, Lost: 450, Altered: 20, Unwatched: 30, Duplicate: 12, FromStore: 9}},
		{Watcher: "odd\x1b[2J", Watchers: 1, QoS: 2, DeliveryTotals: metrics.DeliveryTotals{Sent: 2, Delivered: 1}},
	}}}
	var b bytes.Buffer
	if err := Text(&b, r, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"states and telemetry to watchers\n",
		"  to servers, 2 with one shared subscription, at QoS 1\n    sent 1,500 = delivered 1,500\n",
		"  to panels, 3 of them, at QoS 0, partly judged: 4,470 of 4,500\n    sent 4,500 = delivered 4,000 + altered 20 + lost 450 + unwatched 30\n    beside these: duplicate 12, retained 9\n",
		"sent 2 = delivered 1: DOES NOT HOLD\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text has no %q:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("a control character gets through")
	}
	b.Reset()
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<h3>To servers, 2 with one shared subscription, at QoS 1</h3>", "To panels, 3 of them, at QoS 0 <small>partly judged: 4,470 of 4,500</small>", "<b>450</b><small>lost</small>", "does not hold", "came once more, for no reason"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
}
