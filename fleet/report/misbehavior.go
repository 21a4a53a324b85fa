package report

import (
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// misbehavior is what misbehaving devices did wrong on purpose, as far as they did,
// in the order of the catalogue; help has what each count means.
func misbehavior(r *metrics.Result) []pair {
	var did []pair
	for _, info := range metrics.Catalogue() {
		what, ok := strings.CutPrefix(info.Name, "misbehaved.")
		if n := r.Counts[info.Name]; ok && n > 0 {
			did = append(did, pair{strings.ReplaceAll(what, "_", " "), words.Grouped(n), info.Help})
		}
	}
	return did
}

// misbehavior writes it in a sentence, beside the books of those who asked.
func (w *writer) misbehavior(r *metrics.Result) {
	var parts []string
	for _, x := range misbehavior(r) {
		parts = append(parts, x.Name+" "+x.Value)
	}
	if parts == nil {
		return
	}
	w.heading("what misbehaving devices did")
	w.wrapped(2, strings.Join(parts, ", "))
}
