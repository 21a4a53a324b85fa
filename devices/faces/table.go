package faces

// Default is the face of devices for which a scenario names none.
const Default = "homefleet"

// All returns every face, the native one first. The slice is the caller's; what is
// behind it is shared and must not be changed.
func All() []*Face {
	return []*Face{&nativeFace, &homeAssistantFace, &zigbee2mqttFace, &shellyFace, &homieFace, &tasmotaFace}
}

// Native is the native face's presence, which does not rest on anything.
func Native() Presence { return (&native{}).Reports().Presence }

// ByName returns the face that a scenario calls name. The case counts.
func ByName(name string) (*Face, bool) {
	for _, f := range All() {
		if f.Name == name {
			return f, true
		}
	}
	return nil, false
}
