package api

// Added are devices that came while the run ran.
type Added struct {
	Intervention int      `json:"intervention,omitempty" doc:"its number; absent: it was tried out only"`
	Devices      int      `json:"devices" doc:"how many"`
	First        int      `json:"first,omitempty" doc:"the number of the first; the others follow"`
	Present      bool     `json:"present" doc:"they connect at once; else they wait to be revived"`
	IDs          []string `json:"ids" doc:"theirs, 1,000 at most"`
	DryRun       bool     `json:"dry_run,omitempty"`
}

// Removed is what became of devices that were to be removed.
type Removed struct {
	Bulk
	Retained *Emptied `json:"retained,omitempty" doc:"what was done about what they had left, where that was wanted"`
}

// Emptied is what became of topics that devices had left retained.
type Emptied struct {
	Topics int    `json:"topics" doc:"that were emptied: all on which the devices may have left something"`
	Held   int    `json:"held" doc:"of these, that held something, as far as could be seen"`
	Left   int    `json:"left" doc:"that do so still"`
	Why    string `json:"why,omitempty" doc:"why not all could be emptied"`
}
