package faces

import (
	"strconv"
	"time"

	"homefleet/devices"
)

// deviceInfo is Shelly.GetDeviceInfo, and what announce publishes.
func (s *shelly) deviceInfo(w *writer, me *Member) {
	w.open('{')
	w.text("name", me.ID)
	w.text("id", s.id(&me.Who))
	w.text("mac", string(me.AppendMAC(nil)))
	w.integer("slot", 0)
	w.text("model", s.model)
	w.integer("gen", 3)
	w.text("fw_id", "20241011-114455/1.4.4-g6d2a586")
	w.text("ver", "1.4.4")
	w.text("app", s.app)
	w.flag("auth_en", false)
	w.null("auth_domain")
	w.close('}')
}

// fullStatus writes the members of Shelly.GetStatus.
func (s *shelly) fullStatus(w *writer, t *Talk, me *Member) {
	w.key("ble")
	w.open('{')
	w.close('}')
	for _, c := range []struct {
		name  string
		write func(*writer, *Talk, *Member)
	}{{"cloud", s.cloudStatus}, {"mqtt", s.mqttStatus}, {s.component, s.componentStatus}, {"sys", s.sysStatus}, {"wifi", s.wifiStatus}} {
		w.key(c.name)
		c.write(w, t, me)
	}
}

func (s *shelly) cloudStatus(w *writer, _ *Talk, _ *Member) {
	w.open('{')
	w.flag("connected", false)
	w.close('}')
}

func (s *shelly) mqttStatus(w *writer, _ *Talk, _ *Member) {
	w.open('{')
	w.flag("connected", true)
	w.close('}')
}

func (s *shelly) wifiStatus(w *writer, _ *Talk, me *Member) {
	n := me.serial()
	w.open('{')
	w.join("sta_ip", "10.", string(appendInt(nil, int(n>>16&255))), ".", string(appendInt(nil, int(n>>8&255))), ".", string(appendInt(nil, int(n&255))))
	w.text("status", "got ip")
	w.text("ssid", "homefleet")
	w.integer("rssi", -40-int(n%40))
	w.close('}')
}

func (s *shelly) sysStatus(w *writer, t *Talk, me *Member) {
	_, up := t.Out.Now()
	w.open('{')
	w.text("mac", string(me.AppendMAC(nil)))
	w.flag("restart_required", false)
	w.text("time", t.Wall().Format("15:04"))
	w.integer("unixtime", int(t.Wall().Unix()))
	w.integer("uptime", int(up/time.Second))
	w.integer("ram_size", 261496)
	w.integer("ram_free", 142648)
	w.integer("fs_size", 1048576)
	w.integer("fs_free", 577536)
	w.integer("cfg_rev", 10)
	w.integer("kvs_rev", 0)
	w.integer("schedule_rev", 0)
	w.integer("webhook_rev", 0)
	w.key("available_updates")
	w.open('{')
	w.close('}')
	w.integer("reset_reason", 1)
	w.close('}')
}

// componentStatus is the whole status of the switch or the bulb.
func (s *shelly) componentStatus(w *writer, t *Talk, me *Member) {
	mem := s.memory(me)
	w.open('{')
	w.integer("id", 0)
	w.text("source", mem.source)
	w.flag("output", s.isOn(me))
	if d, ok := me.Model.(devices.Light); ok {
		s.lightStatus(w, me, d.LightState())
		if left, fades := fading(me); fades {
			state := d.LightState()
			w.key("transition")
			w.open('{')
			w.key("target")
			w.open('{')
			w.flag("output", state.On)
			s.lightStatus(w, me, state)
			w.close('}')
			w.number("started_at", float64(t.Wall().UnixMilli())/1000, 2)
			w.number("duration", left.Seconds(), 2)
			w.close('}')
		}
	}
	if !mem.timer.IsZero() {
		w.number("timer_started_at", float64(mem.timer.UnixMilli())/1000, 2)
		w.number("timer_duration", mem.lasts.Seconds(), 2)
	}
	s.measured(w, t, me)
	w.close('}')
}

func (s *shelly) lightStatus(w *writer, me *Member, state devices.LightState) {
	if state.ColorRules {
		w.text("mode", "rgb")
	} else {
		w.text("mode", "cct")
	}
	w.integer("brightness", int(state.Level))
	w.key("rgb")
	w.open('[')
	for _, c := range state.Color {
		w.comma()
		w.b = appendInt(w.b, int(c))
	}
	w.close(']')
	w.integer("ct", s.kelvin(me, state.CT))
}

// changes writes what is other than was told last, and notes it as told.
func (s *shelly) changes(w *writer, me *Member, mem *shellyMemory) {
	on := s.isOn(me)
	if !mem.any || on != mem.on {
		w.flag("output", on)
	}
	if d, ok := me.Model.(devices.Light); ok {
		now := d.LightState()
		if now.Level != mem.last.Level || !mem.any {
			w.integer("brightness", int(now.Level))
		}
		if now.ColorRules != mem.last.ColorRules || now.Color != mem.last.Color || now.CT != mem.last.CT {
			s.lightColour(w, me, now)
		}
		mem.last = now
	}
	mem.on, mem.any = on, true
}

func (s *shelly) lightColour(w *writer, me *Member, now devices.LightState) {
	if now.ColorRules {
		w.text("mode", "rgb")
		w.key("rgb")
		w.open('[')
		for _, c := range now.Color {
			w.comma()
			w.b = appendInt(w.b, int(c))
		}
		w.close(']')
		return
	}
	w.text("mode", "cct")
	w.integer("ct", s.kelvin(me, now.CT))
}

// measured writes what the device measures. Energy is in watt-hours here. A bulb tells
// its power alone: the model has no more.
func (s *shelly) measured(w *writer, t *Talk, me *Member) {
	d, ok := me.Model.(devices.Measures)
	if !ok {
		return
	}
	t.values = d.AppendReadings(t.values[:0])
	reading := func(class devices.Class) (float64, bool) {
		found, at := false, 0
		for i := range s.Kind.Readings {
			if r := &s.Kind.Readings[i]; r.Class == class && (class != devices.Energy || r.Counts) {
				found, at = true, i // the last: the total of energies
			}
		}
		if !found {
			return 0, false
		}
		return t.values[at], true
	}
	power, _ := reading(devices.Power)
	w.number("apower", power, 1)
	if voltage, ok := reading(devices.Voltage); ok {
		current, _ := reading(devices.Current)
		factor, _ := reading(devices.PowerFactor)
		total, _ := reading(devices.Energy)
		w.number("voltage", voltage, 1)
		w.number("freq", 50, 1)
		w.number("current", current, 3)
		w.number("pf", factor, 2)
		for _, name := range []string{"aenergy", "ret_aenergy"} {
			w.key(name)
			w.open('{')
			w.number("total", total*1000, 3)
			w.b = append(w.b, `,"by_minute":[0.000,0.000,0.000]`...)
			w.integer("minute_ts", int(t.Wall().Unix()/60*60))
			w.close('}')
			total = 0
		}
	}
	w.key("temperature")
	w.open('{')
	celsius := 30 + power/200 // warmer with what it carries; a guess
	w.number("tC", celsius, 1)
	w.number("tF", celsius*1.8+32, 1)
	w.close('}')
}

func (s *shelly) config(w *writer, me *Member) {
	w.open('{')
	w.key("mqtt")
	s.mqttConfig(w, me)
	w.key(s.component)
	s.componentConfig(w)
	w.key("sys")
	s.sysConfig(w, me)
	w.close('}')
}

func (s *shelly) mqttConfig(w *writer, me *Member) {
	id := s.id(&me.Who)
	w.open('{')
	w.flag("enable", true)
	w.null("server")
	w.text("client_id", id)
	w.null("user")
	w.text("topic_prefix", id)
	w.flag("rpc_ntf", true)
	w.flag("status_ntf", s.StatusNtf)
	w.flag("use_client_cert", false)
	w.flag("enable_rpc", true)
	w.flag("enable_control", true)
	w.close('}')
}

func (s *shelly) sysConfig(w *writer, me *Member) {
	w.open('{')
	w.key("device")
	w.open('{')
	w.text("name", me.ID)
	w.text("mac", string(me.AppendMAC(nil)))
	w.text("fw_id", "20241011-114455/1.4.4-g6d2a586")
	w.flag("discoverable", true)
	w.flag("eco_mode", false)
	w.close('}')
	w.integer("cfg_rev", 10)
	w.close('}')
}

func (s *shelly) componentConfig(w *writer) {
	w.open('{')
	w.integer("id", 0)
	w.null("name")
	w.text("initial_state", "restore_last")
	w.flag("auto_on", false)
	w.number("auto_on_delay", 60, 2)
	w.flag("auto_off", false)
	w.number("auto_off_delay", 60, 2)
	w.close('}')
}

// components is Shelly.GetComponents: the dynamic ones, and with what it is asked for,
// all; here the one that there is.
func (s *shelly) components(w *writer, t *Talk, me *Member) {
	w.open('{')
	w.key("components")
	w.open('[')
	w.open('{')
	w.text("key", s.component)
	w.key("status")
	s.componentStatus(w, t, me)
	w.key("config")
	s.componentConfig(w)
	w.close('}')
	w.close(']')
	w.integer("cfg_rev", 10)
	w.integer("offset", 0)
	w.integer("total", 1)
	w.close('}')
}

func appendInt(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(n), 10) }
