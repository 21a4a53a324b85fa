package cmd

import (
	"strings"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/scenarios"
)

// bedroomLight is a device of the shipped scenario "bedroom", of which examples tell.
const bedroomLight = "light-in-bedroom"

var (
	bedroomCommand, bedroomState = commandAndState(bedroomDevice(), "power")
	bedroomBrightness, _         = commandAndState(bedroomDevice(), "brightness")
)

func bedroomDevice() *scenarios.Device {
	k, _ := devices.KindByName("light")
	return &scenarios.Device{ID: bedroomLight, Group: &scenarios.Group{Kind: k}}
}

// commandPattern is where devices that speak homefleet's own dialect are commanded.
func commandPattern() string {
	d := bedroomDevice()
	return d.Group.Voice().Outline(&faces.Who{ID: "<id>"}).Commands
}

// commandAndState returns where a device is commanded, and where it says its state, or
// what of it an attribute has.
func commandAndState(d *scenarios.Device, attribute string) (command, state string) {
	who := d.Who()
	command, _ = asked(d, attribute, "ON")
	return command, strings.ReplaceAll(d.Group.Voice().Outline(&who).States, "<attribute>", attribute)
}

// asked returns how a device is asked to set an attribute in the words of its face.
func asked(d *scenarios.Device, attribute, value string) (topic, payload string) {
	topic, asked, _ := d.Request(attribute, value)
	return topic, string(asked)
}
