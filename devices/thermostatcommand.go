package devices

// thermoReport is what the commands of a thermostat can change of what it
// reports. The measured temperature is none of it: it moves with samples only.
type thermoReport struct {
	mode    uint8
	target  int8
	heating bool
	window  uint8
}

func (t *thermostat) report() thermoReport {
	return thermoReport{t.mode, t.target, t.heating, t.window}
}

func (r thermoReport) changes(s thermoReport) Changes {
	var c Changes
	if r.mode != s.mode {
		c |= 1 << thermoMode
	}
	if r.target != s.target {
		c |= 1 << thermoTarget
	}
	if (r.mode == modeOff) != (s.mode == modeOff) {
		// Off and idle are two actions.
		c |= 1 << thermoPower
		if !r.heating && !s.heating {
			c |= 1 << thermoAction
		}
	}
	if r.heating != s.heating {
		c |= 1 << thermoAction
	}
	if r.window != s.window {
		c |= 1 << thermoWindow
	}
	return c
}

func (t *thermostat) Do(attr int, payload []byte) (Changes, error) {
	value, done, err := startCommand(&thermostatKind, attr, payload)
	if done {
		return 0, err
	}
	before := t.report()
	switch attr {
	case thermoMode:
		err = t.doMode(value)
	case thermoTarget:
		err = t.doTarget(value)
	case thermoPower:
		err = t.doPower(value)
	case thermoWindow:
		err = t.doWindow(value)
	}
	if err != nil {
		return 0, err
	}
	if after := t.report(); after.mode != before.mode || after.target != before.target {
		if t.p.pi && t.mode != modeOff {
			// A new wish begins a new cycle.
			t.inCycle, t.onFor = 0, t.share()
		}
		t.drive(t.decideAnew(before.mode))
	}
	return before.changes(t.report()), nil
}

// decideAnew is decide after a command. Between the limits of the controller
// the heater stays as it was, but what frost guard began is no reason to heat
// on in another mode, nor the other way round.
func (t *thermostat) decideAnew(before uint8) bool {
	if t.mode == modeOff || before == modeOff {
		on, _ := t.limits()
		if !t.p.pi || t.mode == modeOff {
			return float64(t.sample) <= on
		}
	}
	return t.decide()
}

func (t *thermostat) doMode(value []byte) error {
	for i, name := range modeNames {
		if equalFold(value, name) {
			t.setMode(uint8(i))
			return nil
		}
	}
	return refuse(&thermostatKind, thermoMode, value, notUnderstood)
}

func (t *thermostat) setMode(mode uint8) {
	t.mode = mode
	if mode != modeOff {
		t.lastMode = mode
	}
}

func (t *thermostat) doTarget(value []byte) error {
	f, signed, ok := parseNumber(value)
	switch {
	case !ok:
		return refuse(&thermostatKind, thermoTarget, value, notANumber)
	case !isWhole(2 * f):
		return refuse(&thermostatKind, thermoTarget, value, "is not a step of 0.5")
	case signed:
		f = min(max(float64(t.target)/2+f, minTarget), maxTarget)
	case f < minTarget || f > maxTarget:
		return refuse(&thermostatKind, thermoTarget, value, outOfRange)
	}
	t.target = int8(2 * f)
	return nil
}

func (t *thermostat) doPower(value []byte) error {
	on, ok := parsePower(value, t.mode != modeOff)
	if !ok {
		return refuse(&thermostatKind, thermoPower, value, notUnderstood)
	}
	switch {
	case !on:
		t.setMode(modeOff)
	case t.mode == modeOff:
		t.setMode(t.lastMode)
	}
	return nil
}

func (t *thermostat) doWindow(value []byte) error {
	var window uint8
	switch {
	case equalFold(value, "open"):
		window = 1
	case equalFold(value, "closed"):
	default:
		return refuse(&thermostatKind, thermoWindow, value, notUnderstood)
	}
	if window != t.window {
		t.settle()
		t.window = window
	}
	return nil
}
