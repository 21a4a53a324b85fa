package api

// Faces are the dialects that devices can speak.
type Faces struct {
	Faces []Face `json:"faces"`
}

// Face is a dialect.
type Face struct {
	Name    string     `json:"name" doc:"as face has it in a [[device]]"`
	Doc     string     `json:"doc"`
	Devices int        `json:"devices" doc:"how many devices of this run speak it"`
	Keys    []string   `json:"keys" doc:"of [device.face]"`
	Kinds   []FaceKind `json:"kinds"`
	Missing []string   `json:"not_emulated" doc:"what the product does and the face does not"`
}

// FaceKind says what becomes of a kind of device in a dialect.
type FaceKind struct {
	Kind  string   `json:"kind"`
	Why   string   `json:"why,omitempty" doc:"why it cannot be said in this dialect; absent: it can be"`
	Hears []string `json:"hears,omitempty" doc:"the topics of commands to a device with the id KIND-1"`
}
