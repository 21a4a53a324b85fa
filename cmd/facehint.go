package cmd

import (
	"fmt"
	"strings"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/fleet/wire"
)

// offlineHint is for a device that does not seem to be there: where the face whose topic it is
// retains presence, or where the topics of each face are to be found.
func offlineHint(topic string) string {
	const others = "`homefleet faces` has the topics of each"
	f, presence := faceOf(topic)
	switch {
	case f == nil:
		return "is the device online, and its topic spelled right? " + others + " face"
	case f.Name == faces.Default:
		return fmt.Sprintf("is the device online, its id spelled right, and its face homefleet's own, to whom the topic belongs? Retained presence is on %s; %s", presence, others)
	}
	return fmt.Sprintf("is the device online, its id spelled right, and its face %s, to whom the topic belongs? Retained presence is on %s; %s", f.Name, presence, others)
}

// faceOf returns the face that hears requests to a topic, as its product comes, and where its
// devices say that they are there; nil where none does.
func faceOf(topic string) (face *faces.Face, presence string) {
	for _, f := range faces.All() {
		for _, k := range devices.Kinds() {
			voice, err := f.New(faces.Settings{Options: f.Defaults, Kind: k, Retain: f.Retains, Telemetry: f.Telemetry})
			if err != nil {
				continue // it has no such devices
			}
			// Others than homefleet's own have topics that follow from what they hear alone.
			for _, filter := range voice.AppendFilters(nil, &faces.Who{ID: "+"}, f.Name != faces.Default) {
				if wire.Match(filter, topic) {
					return f, strings.ReplaceAll(voice.Reports().Presence.Topic, "{id}", "+")
				}
			}
		}
	}
	return nil, ""
}
