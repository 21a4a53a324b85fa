package faces

import (
	"math"
	"strconv"
	"time"

	"homefleet/devices"
)

// state writes the members of STATE.
func (s *tasmota) state(w *writer, t *Talk, me *Member) {
	mem := s.memory(me)
	_, up := t.Out.Now()
	s.time(w, "Time", t.Wall())
	uptime(w, up)
	w.integer("UptimeSec", int(up/time.Second))
	w.integer("Heap", 30)
	w.text("SleepMode", "Dynamic")
	w.integer("Sleep", 50)
	w.integer("LoadAvg", 19)
	w.integer("MqttCount", int(mem.connects))
	if _, ok := me.Model.(devices.Light); ok {
		s.lightState(w, me, true)
	} else {
		w.text("POWER", onOff(s.isOn(me)))
	}
	signal := -40 - int(me.serial()%40)
	w.key("Wifi")
	w.open('{')
	w.integer("AP", 1)
	w.text("SSId", "homefleet")
	w.text("BSSId", "02:00:00:00:00:01")
	w.integer("Channel", 6)
	w.text("Mode", "HT20")
	w.integer("RSSI", min(2*(signal+100), 100))
	w.integer("Signal", signal)
	w.integer("LinkCount", 1)
	w.text("Downtime", "0T00:00:03")
	w.close('}')
}

// time writes a moment as a member.
func (s *tasmota) time(w *writer, name string, at time.Time) {
	w.key(name)
	w.b = append(at.AppendFormat(append(w.b, '"'), "2006-01-02T15:04:05"), '"')
}

// uptime writes how long it has been on, as 1T02:03:04.
func uptime(w *writer, up time.Duration) {
	w.key("Uptime")
	seconds := int64(up / time.Second)
	w.b = append(strconv.AppendInt(append(w.b, '"'), seconds/86400, 10), 'T')
	for i, n := range [3]int64{seconds / 3600 % 24, seconds / 60 % 60, seconds % 60} {
		if i > 0 {
			w.b = append(w.b, ':')
		}
		w.b = append(w.b, byte('0'+n/10), byte('0'+n%10))
	}
	w.b = append(w.b, '"')
}

// sensors writes what SENSOR, STATUS8, STATUS10 and the announcement say. periodic is
// SENSOR, which begins a new period of the energy.
func (s *tasmota) sensors(w *writer, t *Talk, me *Member, periodic bool) {
	w.open('{')
	s.time(w, "Time", t.Wall())
	switch d := me.Model.(type) {
	case devices.Relay:
		s.energy(w, t, me, d.IsOn(), periodic)
	case devices.Thermostat:
		now := d.ThermostatState()
		w.key("DS18B20")
		w.open('{')
		w.key("Id")
		w.b = append(me.AppendMAC(append(w.b, '"')), '"')
		w.number("Temperature", now.Temperature, 1)
		w.close('}')
		w.key("Thermostat0")
		w.open('{')
		w.integer("ThermostatModeSet", thermostatMode(&now))
		w.number("TempTargetSet", now.Target, 2)
		w.integer("CtrDutyCycleRead", int(math.Round(now.Duty*100)))
		w.integer("ControlMethod", 0)
		w.integer("HybridControllerPhase", 1)
		w.integer("EmergencyState", 0)
		w.close('}')
		w.text("TempUnit", "C")
	}
	w.close('}')
}

// The readings of a plug, by their place in the kind's.
const (
	plugVoltage = iota
	plugCurrent
	plugActive
	plugApparent
	plugReactive
	plugFactor
	plugToday
	plugYesterday
	plugTotal
)

// reading is one of the readings of a plug.
func (s *tasmota) reading(t *Talk, me *Member, which int) float64 {
	t.values = me.Model.(devices.Measures).AppendReadings(t.values[:0])
	return t.values[which]
}

// energyOf is a counter of a plug with what has been added to it, in kWh.
func (s *tasmota) energyOf(t *Talk, me *Member, which int) float64 {
	added := s.memory(me).added
	return s.reading(t, me, which) + added[map[int]int{plugTotal: 0, plugToday: 1, plugYesterday: 2}[which]]
}

// energy writes what a plug measures. While its relay is open there is nothing but the
// voltage in front of it.
func (s *tasmota) energy(w *writer, t *Talk, me *Member, on, periodic bool) {
	mem := s.memory(me)
	_, up := t.Out.Now()
	total := s.energyOf(t, me, plugTotal)
	today, yesterday := s.energyOf(t, me, plugToday), s.energyOf(t, me, plugYesterday)
	now := t.values
	voltage := now[plugVoltage]
	if m, ok := me.Model.(devices.Mains); ok && !on {
		voltage = m.MainsVoltage()
	}
	w.key("ENERGY")
	w.open('{')
	s.time(w, "TotalStartTime", t.Wall().Add(-up))
	w.number("Total", total, 3)
	w.number("Yesterday", yesterday, 3)
	w.number("Today", today, 3)
	if periodic {
		w.integer("Period", int(math.Round(max(total-mem.period, 0)*1000)))
		mem.period = total
	}
	w.number("Power", now[plugActive], 0)
	w.number("ApparentPower", now[plugApparent], 0)
	w.number("ReactivePower", now[plugReactive], 0)
	w.number("Factor", now[plugFactor], 2)
	w.number("Voltage", voltage, 0)
	w.number("Current", now[plugCurrent], 3)
	w.close('}')
}

// doEnergy sets a counter to so many Wh, and shows all of them.
func (s *tasmota) doEnergy(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	which := map[string]int{"EnergyTotal": plugTotal, "EnergyToday": plugToday, "EnergyYesterday": plugYesterday}[c.name]
	if n, ok := c.within(0, 1e9); ok && c.index == 1 {
		today, yesterday := s.energyOf(t, me, plugToday), s.energyOf(t, me, plugYesterday)
		want := float64(n) / 1000
		switch which {
		case plugTotal: // that of the model begins anew, and the others are as they were
			if s.set(t, me, "energy", "reset") != nil {
				return
			}
			mem.added = [3]float64{want, today, yesterday}
			mem.period = want
		case plugToday:
			mem.added[1] += want - today
		case plugYesterday:
			mem.added[2] += want - yesterday
		}
	}
	c.said = true
	m, w := s.beginResult(t, me, c)
	w.key(c.name)
	w.open('{')
	w.number("Total", s.energyOf(t, me, plugTotal), 3)
	w.number("Yesterday", s.energyOf(t, me, plugYesterday), 3)
	w.number("Today", s.energyOf(t, me, plugToday), 3)
	w.close('}')
	s.endResult(t, c, m, &w)
}

func (s *tasmota) doPowerDelta(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if n, ok := c.within(0, 32000); ok {
		mem.powerDelta = uint16(n)
	}
	s.replyNumber(t, me, c, int(mem.powerDelta))
}

// doResolution shows how many decimals a reading has.
func (s *tasmota) doResolution(t *Talk, me *Member, c *tasmotaCall) {
	s.replyNumber(t, me, c, map[string]int{"AmpRes": 3, "EnergyRes": 3}[c.name])
}

// thermostatMode is the model's mode in the driver's numbers, which has no night.
func thermostatMode(now *devices.ThermostatState) int {
	if now.Mode == "off" {
		return 0
	}
	return 1
}

func (s *tasmota) doMode(t *Talk, me *Member, c *tasmotaCall) {
	if c.index != 1 {
		return
	}
	now := me.Model.(devices.Thermostat).ThermostatState()
	n, ok := c.within(0, 2)
	if mode := [...]string{"off", "heat", "heat"}; ok && (n == 0) != (now.Mode == "off") && s.set(t, me, "mode", mode[n]) != nil {
		return
	}
	now = me.Model.(devices.Thermostat).ThermostatState()
	s.replyNumber(t, me, c, thermostatMode(&now))
	s.driven(t, me)
}

// driven says that the driver has switched its relay, which it does after its command has
// been answered.
func (s *tasmota) driven(t *Talk, me *Member) {
	if s.isOn(me) != s.memory(me).relay {
		s.tellPower(t, me, &tasmotaCall{})
	}
}

// frostProtection is below what no target of the driver's goes, in degrees.
const frostProtection = 4.0

func (s *tasmota) doTarget(t *Talk, me *Member, c *tasmotaCall) {
	if c.index != 1 {
		return
	}
	if f, ok := c.decimal(); ok && c.name == "TempTargetSet" && f >= frostProtection && f <= 100 {
		if s.set(t, me, "target", strconv.FormatFloat(min(max(math.Round(2*f)/2, 5), 30), 'f', 1, 64)) != nil {
			return
		}
	}
	s.replyText(t, me, c, string(appendFixed(nil, me.Model.(devices.Thermostat).ThermostatState().Target, 2)))
	s.driven(t, me)
}

// decimal is the value as a number, with or without decimals.
func (c *tasmotaCall) decimal() (float64, bool) {
	if len(c.data) == 0 || len(c.data) > 16 {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(c.data), 64)
	return f, err == nil && !math.IsNaN(f)
}

// doMeasured shows what the sensor measures. It is the driver's own sensor, so that there
// is nothing to set.
func (s *tasmota) doMeasured(t *Talk, me *Member, c *tasmotaCall) {
	if c.index != 1 {
		return
	}
	s.replyText(t, me, c, string(appendFixed(nil, me.Model.(devices.Thermostat).ThermostatState().Temperature, 1)))
}

// doDriver shows a setting of the driver: it keeps them as they come.
func (s *tasmota) doDriver(t *Talk, me *Member, c *tasmotaCall) {
	if c.index != 1 {
		return
	}
	now := me.Model.(devices.Thermostat).ThermostatState()
	switch c.name {
	case "CtrDutyCycleRead":
		s.replyNumber(t, me, c, int(math.Round(now.Duty*100)))
	case "TempFrostProtectSet":
		s.replyText(t, me, c, string(appendFixed(nil, frostProtection, 1)))
	case "EnableOutputSet":
		s.replyNumber(t, me, c, 1)
	default:
		s.replyNumber(t, me, c, map[string]int{"TempHystSet": 1, "PropBandSet": 4, "TimeResetSet": 12000, "TimePiCycleSet": 30, "TimeMinActionSet": 5, "TimeMaxActionSet": 20}[c.name])
	}
}
