package fleet

import (
	"fmt"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// announce logs the incident and puts it on the time line, as a weather report
// would have it.
func (s *stricken) announce() {
	text := s.before()
	s.w.fleet.log.Info(text)
	f := s.w.fleet
	f.bulletins.add(metrics.Incident{At: metrics.Span(s.from.Sub(f.clock.Epoch)), To: metrics.Span(s.to.Sub(f.clock.Epoch)), Text: text})
}

// before says what is about to happen: "power cut: 25 devices in flat-03 without
// power, for 20s".
func (s *stricken) before() string {
	in := s.incident
	what := map[scenarios.IncidentKind]string{
		scenarios.Offline:      "offline (" + string(in.Way) + ")",
		scenarios.PowerCut:     "without power",
		scenarios.RouterReboot: "without a network while the router restarts",
		scenarios.WiFiLoss:     "without Wi-Fi",
		scenarios.FirmwareRoll: "restarted with new firmware, batch by batch",
		scenarios.Flapping:     "coming and going",
		scenarios.BrokerOutage: "without a broker",
		scenarios.IDFight:      "against another client with the same client id",
		scenarios.SlowLink:     "on a slow connection",
	}[in.Kind]
	name := in.Name
	if name == string(in.Kind) {
		name = strings.ReplaceAll(name, "-", " ")
	}
	return fmt.Sprintf("%s: %s%s %s, for %v", name, devicesText(len(s.devices)), s.where(), what, s.to.Sub(s.from))
}

// after says how it ended.
func (s *stricken) after() string {
	switch s.incident.Kind {
	case scenarios.SlowLink, scenarios.IDFight, scenarios.BrokerOutage, scenarios.WiFiLoss:
		return "all as before for " + devicesText(len(s.devices))
	}
	return devicesText(len(s.devices)) + " may come back"
}

// where names the home that all devices belong to, if it is one.
func (s *stricken) where() string {
	home := s.devices[0].spec.Home
	if home == "" {
		return ""
	}
	for _, r := range s.devices {
		if r.spec.Home != home {
			return ""
		}
	}
	return " in " + home
}

func devicesText(n int) string { return words.Plural(int64(n), "device", "devices") }
