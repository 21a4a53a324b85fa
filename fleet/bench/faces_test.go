//go:build linux

package bench

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"homefleet/devices/faces"
	"homefleet/scenarios"
)

// facedLights is how many lights speak a face; no other measurement has as many devices.
const facedLights = 1500

// behindBridge is how many of them hang on one bridge, where the face is one of bridges.
const behindBridge = 5

// lightsIn is a group of so many plain lights that speak a face, as a file has it.
func lightsIn(face string, lights int) string {
	if f, ok := faces.ByName(face); ok && f.Bridge {
		return fmt.Sprintf("[[device]]\nkind = \"bridge\"\nhome = \"flat-{h}\"\nhomes = %d\nlights = %d\nplugs = 0\nthermostats = 0\nface = %q\n", lights/behindBridge, behindBridge, face)
	}
	return fmt.Sprintf("[[device]]\nkind = \"light\"\nid = \"flat-light-{n}\"\ncount = %d\nface = %q\n", lights, face)
}

// asked is a command to a device in its own dialect.
type asked struct {
	topic, payload string
}

// commandsOf returns the command that switches on each light of a scenario.
func commandsOf(sc *scenarios.Scenario) (all []asked, err error) {
	for d := range sc.Devices() {
		topic, payload, err := d.Request("power", "ON")
		if err != nil {
			return nil, err
		}
		one := asked{topic, string(payload)}
		if d.Group.Dialect().Bridge { // whose own command is to all of its lights
			base, _, _ := strings.Cut(topic, "/all_lights/")
			one = asked{base + "/light_1/set", `{"state":"ON"}`}
		}
		all = append(all, one)
	}
	return all, nil
}

// faces measures what a light costs, and a command to it, by the face that it speaks.
func (d *driver) faces() error {
	all := faces.All()
	for i := range all {
		if err := d.face(all[(i+d.run)%len(all)].Name); err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) face(name string) error {
	m, err := startMosquitto()
	if err != nil {
		return err
	}
	defer m.stop()
	role := "face " + name
	hold := func(lights int) (figures, error) {
		c, err := spawn("fleet", job{Lights: lights, Face: name, Broker: m.address, KeepAlive: 3600})
		if err != nil {
			return figures{}, err
		}
		defer c.stop()
		return c.figures("free")
	}
	few, err := hold(perHome)
	if err != nil {
		return err
	}
	j := job{Lights: facedLights, Face: name, Broker: m.address, KeepAlive: 3600}
	c, err := spawn("fleet", j)
	if err != nil {
		return err
	}
	defer c.stop()
	defer m.stop() // before its clients
	c.role = role
	r, err := spawn("requester", j)
	if err != nil {
		return err
	}
	defer r.stop()
	if f, _ := faces.ByName(name); f.Bridge {
		time.Sleep(8 * time.Second) // it announces its devices five seconds after it has come
	}
	if err := d.pass(r, order{Do: "load", QoS: 1, Rate: *rate, Seconds: 2}); err != nil {
		return err
	}
	for qos := range 2 {
		if err := d.commandsAt(c, r, facedLights, qos); err != nil {
			return fmt.Errorf("%s, QoS %d: %w", role, qos, err)
		}
	}
	many, err := c.figures("free") // of lights that have been commanded
	if err != nil {
		return err
	}
	if *profiles != "" {
		if _, err := c.say(order{Do: "heap", File: filepath.Join(*profiles, "face-"+name+"-heap.pprof")}); err != nil {
			return err
		}
	}
	d.perDevice("free ", role, facedLights, few, many)
	return nil
}

// facesTable sets each face beside the native one.
func (r *report) facesTable() table {
	t := table{title: fmt.Sprintf("Faces: a command and its answer, and what a light holds, of %s; those of zigbee2mqtt by %d on a bridge", number(facedLights), behindBridge),
		columns: []string{"", "CPU QoS 0, us", "QoS 1, us", "/ native", "must", "allocations", "heap a light, KiB", "more than native", "must"}}
	native := "face " + faces.Default
	cpu := func(role string, qos int) sample { return r.sample("cpu", role, facedLights, qos) }
	heap := func(role string) sample { return r.sample("free heap", role, facedLights, 0) }
	for _, f := range faces.All() {
		role := "face " + f.Name
		if len(cpu(role, 0)) == 0 || len(cpu(native, 0)) == 0 {
			continue
		}
		row := []string{f.Name, cpu(role, 0).String(), cpu(role, 1).String(), "", "", r.sample("allocations", role, facedLights, 0).String(), heap(role).String(), "", ""}
		if role != native {
			ratio := slices.Max([]float64{cpu(role, 0).median() / cpu(native, 0).median(), cpu(role, 1).median() / cpu(native, 1).median()})
			more := heap(role).median() - heap(native).median()
			row[3], row[4], row[7], row[8] = short(ratio), judge(ratio, 1.5, 0), short(more), judge(more, 2, 0)
		}
		t.rows = append(t.rows, row)
	}
	return t
}
