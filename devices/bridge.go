package devices

import (
	"strconv"
	"time"
)

// streamBehind tells the seeds of the devices behind a bridge apart; it is far from the
// streams of a device.
const streamBehind = 1 << 32

// Hub is what devices do that others hang on, which have no session of their own.
type Hub interface {
	// Behind returns the devices behind it, always the same. Whoever commands one of
	// them directly need not tell the hub.
	Behind() []Behind

	// TakeChanged returns which of them have changed by themselves since it was asked
	// last, a bit each.
	TakeChanged() uint32
}

// Behind is a device behind a hub.
type Behind struct {
	Name   string // distinct, such as "light_1"
	Device Device
}

// bridge is a hub with the devices behind it. It commands all its lights at once; what
// its other devices do is commanded by way of its face.
type bridge struct {
	behind  []Behind
	changed uint32
	count   uint64 // of changes that its devices made by themselves
}

func newBridge(p *bridgeParams, seed uint64, start time.Duration) *bridge {
	b := &bridge{behind: make([]Behind, 0, len(p.names))}
	for i, name := range p.names {
		b.behind = append(b.behind, Behind{name, p.makers[i](hash(seed, streamBehind, uint64(i)), start)})
	}
	return b
}

func (b *bridge) Kind() *Kind { return &bridgeKind }

// Behind implements [Hub].
func (b *bridge) Behind() []Behind { return b.behind }

// TakeChanged implements [Hub].
func (b *bridge) TakeChanged() uint32 {
	c := b.changed
	b.changed = 0
	return c
}

// brightest is the level of the light that is brightest, 0 if none is on.
func (b *bridge) brightest() uint8 {
	level := uint8(0)
	for i := range b.behind {
		if l, ok := b.behind[i].Device.(Light); ok {
			if s := l.LightState(); s.On {
				level = max(level, s.Level)
			}
		}
	}
	return level
}

// Do commands all lights.
func (b *bridge) Do(attr int, payload []byte) (Changes, error) {
	value, done, err := startCommand(&bridgeKind, attr, payload)
	if done {
		return 0, err
	}
	before := b.brightest()
	light := lightBrightness
	if attr == bridgePower {
		on, ok := parsePower(value, before > 0)
		if !ok {
			return 0, refuse(&bridgeKind, bridgePower, value, notUnderstood)
		}
		light, value = lightPower, onOffValue[on]
	}
	for i := range b.behind {
		if _, ok := b.behind[i].Device.(Light); !ok {
			continue
		}
		// What one light refuses all do, so that nothing has changed by then.
		if _, err := b.behind[i].Device.Do(light, value); err != nil {
			return 0, err // its words are the bridge's, too
		}
		b.changed |= 1 << i
	}
	after := b.brightest()
	var c Changes
	if before != after {
		c |= 1 << bridgeBrightness
	}
	if (before > 0) != (after > 0) {
		c |= 1 << bridgePower
	}
	return c, nil
}

var onOffValue = map[bool][]byte{true: []byte("ON"), false: []byte("OFF")}

func (b *bridge) Step(dt time.Duration) Changes {
	before := b.count
	for i := range b.behind {
		if b.behind[i].Device.Step(dt) != 0 {
			b.changed |= 1 << i
			b.count++
		}
	}
	if b.count == before {
		return 0
	}
	return 1 << bridgeChanges
}

func (b *bridge) Next() time.Duration {
	next := Never
	for i := range b.behind {
		next = min(next, b.behind[i].Device.Next())
	}
	return next
}

func (b *bridge) AppendValue(dst []byte, attr int) []byte {
	switch attr {
	case bridgePower:
		return append(dst, powerWord(b.brightest() > 0)...)
	case bridgeBrightness:
		return strconv.AppendUint(dst, uint64(b.brightest()), 10)
	case bridgeChanges:
		return strconv.AppendUint(dst, b.count, 10)
	}
	return dst
}

// AppendTelemetry appends the telemetry of all devices behind the bridge, by their names.
func (b *bridge) AppendTelemetry(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range b.behind {
		dst = b.behind[i].Device.AppendTelemetry(appendName(dst, b.behind[i].Name))
	}
	return append(dst, '}')
}
