package devices

import (
	"runtime"
	"testing"
	"time"
)

// Devices are counted in hundred thousands, so their bytes are held down: the
// live heap of one device made by a Maker, which shares its parameters.
func TestBytesPerDevice(t *testing.T) {
	for kind, budget := range map[string]float64{"light": 32, "thermostat": 96, "plug": 64} {
		m, err := kindOf(t, kind).Prepare(nil)
		if err != nil {
			t.Fatal(err)
		}
		const n = 20000
		devices := make([]Device, n)
		before := liveBytes()
		for i := range devices {
			devices[i] = m(uint64(i), 0)
		}
		got := float64(liveBytes()-before) / n
		runtime.KeepAlive(devices)
		t.Logf("%s: %.1f bytes", kind, got)
		if got > budget+2 {
			t.Errorf("a %s holds %.1f bytes; want %v at most", kind, got, budget)
		}
	}
}

func liveBytes() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// In the steady state nothing is allocated.
func TestAllocations(t *testing.T) {
	buf := make([]byte, 0, 1024)
	inEachState(func(kind string, params map[string]any) {
		d := makeDevice(t, kind, 1, 0, params)
		good := map[string][]byte{
			"power": []byte(" toggle "), "brightness": []byte("+10"), "color": []byte("10,20.5,30"), "ct": []byte("2700K"), "transition": []byte("2.5"),
			"mode": []byte("auto"), "target": []byte("+0.5"), "window": []byte("open"), "load": []byte("fridge"), "energy": []byte("reset"),
		}
		for i, a := range d.Kind().Attributes {
			for what, f := range map[string]func(){
				"Do":          func() { d.Do(i, good[a.Name]) },
				"Do(query)":   func() { d.Do(i, nil) },
				"AppendValue": func() { d.AppendValue(buf, i) },
				"Attribute":   func() { d.Kind().Attribute([]byte(a.Name)) },
			} {
				if n := testing.AllocsPerRun(20, f); n != 0 {
					t.Errorf("%s %v: %s of %s allocates %v times; want 0", kind, params, what, a.Name, n)
				}
			}
		}
		for what, f := range map[string]func(){
			"Step":            func() { d.Step(time.Minute) },
			"Next":            func() { d.Next() },
			"AppendTelemetry": func() { d.AppendTelemetry(buf) },
		} {
			if n := testing.AllocsPerRun(20, f); n != 0 {
				t.Errorf("%s %v: %s allocates %v times; want 0", kind, params, what, n)
			}
		}
	})
}

func BenchmarkDevices(b *testing.B) {
	commands := map[string][2]string{"light": {"brightness", "+10"}, "thermostat": {"target", "+0.5"}, "plug": {"power", "TOGGLE"}}
	for _, k := range Kinds() {
		d := makeDevice(b, k.Name, 1, 0, map[string]map[string]any{"plug": {"load": "fridge"}}[k.Name])
		buf := make([]byte, 0, 1024)
		i, payload := index(b, d, commands[k.Name][0]), []byte(commands[k.Name][1])
		for name, f := range map[string]func(){
			"Step1s":    func() { d.Step(time.Second) },
			"Step1m":    func() { d.Step(time.Minute) },
			"Step1d":    func() { d.Step(day) },
			"Next":      func() { d.Next() },
			"Do":        func() { d.Do(i, payload) },
			"Telemetry": func() { d.AppendTelemetry(buf) },
		} {
			b.Run(k.Name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
	}
}
