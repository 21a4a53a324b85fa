package control

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"homefleet/fleet"
	"homefleet/fleet/control/api"
	"homefleet/scenarios"
)

// problem is a sort of what can go wrong.
type problem struct {
	name   string // in its type
	status int
	title  string
	means  string // its page
}

// The problems, each with what its page says.
var (
	noSuchPage      = problem{"no-such-page", 404, "No such page", "There is nothing at this path. /openapi.json lists what there is."}
	noSuchDevice    = problem{"no-such-device", 404, "No such device", "No device of the run has this id. GET /v1/devices lists them."}
	noSuchAttribute = problem{"no-such-attribute", 404, "No such attribute", "The kind of device has no such attribute. GET /v1/kinds lists what each has."}
	noSuchIncident  = problem{"no-such-incident", 404, "No such incident", "No incident of the run has this number. GET /v1/incidents lists them."}
	noSuchGroup     = problem{"no-such-group", 404, "No such group", "No group of controllers of the run has this name. GET /v1/load lists them."}
	noSuchFault     = problem{"no-such-fault", 404, "No such fault", "No fault has this name. GET /v1/faults lists those that there are."}
	badLoad         = problem{"bad-load", 422, "Bad load", "The load cannot be changed so: a key is wrong, or does not go with how the group sends."}
	badMethod       = problem{"bad-method", 405, "Method not allowed", "The path is right and the method is not; the header Allow names those that are."}
	nothingSelected = problem{"nothing-selected", 409, "Nothing selected", "The selection means none of the devices. Nothing was done."}
	notNow          = problem{"not-now", 409, "Not now", "The run is not yet, or no more, in a state in which this can be done."}
	notHere         = problem{"not-here", 409, "Not here", "This run cannot do that, such as taking away a broker that is not its own."}
	allRefused      = problem{"all-refused", 409, "Nobody did it", "It could be done with none of the devices that are meant."}
	keyReused       = problem{"key-reused", 409, "Idempotency-Key reused", "The same Idempotency-Key came with another request before. A key is for one request and its repeats."}
	badBody         = problem{"bad-body", 422, "Bad body", "The body is not as it was wanted. errors has each fault with its place, as a JSON Pointer."}
	badSelector     = problem{"bad-selector", 422, "Bad selector", "The select of the body is not as it was wanted."}
	badIncident     = problem{"bad-incident", 422, "Bad incident", "The incident is not one that a scenario could have. Its keys are those of an [[incident]]."}
	badDevice       = problem{"bad-device", 422, "Bad device", "The group of devices is not one that the scenario could have. Its keys are those of a [[device]]; no id may be that of a device that there is, or was."}
	badPayload      = problem{"bad-payload", 422, "Bad payload", "The device does not take this payload for this attribute. Nothing has changed."}
	badQuery        = problem{"bad-query", 422, "Bad query", "The query behind the ? is not as it was wanted."}
	unauthorized    = problem{"unauthorized", 401, "Unauthorized", "The request has no token, or another run's. It is in the ready file, and goes into the header: Authorization: Bearer TOKEN."}
	hostNotAllowed  = problem{"host-not-allowed", 403, "Host not allowed", "This server goes by IP addresses, localhost and the names of --control-host, so that no page can reach it by a name of its own (DNS rebinding)."}
	crossOrigin     = problem{"cross-origin", 403, "Cross-origin request", "The request comes from a page of another origin. A browser's page may control a run only if the run has served it."}
	tooLarge        = problem{"too-large", 413, "Body too large", "A body may have 1 MiB."}
	badType         = problem{"bad-content-type", 415, "Unsupported media type", "A body is JSON, and says so: Content-Type: application/json."}
	tooMany         = problem{"too-many-requests", 503, "Too many at a time", "64 requests are served at a time. Ask again later."}
	tooManyViewers  = problem{"too-many-streams", 503, "Too many streams", "8 streams of events may be open at a time. Close one, or ask again later."}
	noAnswer        = problem{"no-answer", 504, "No answer", "The device, or the broker, has not answered in time."}
	broken          = problem{"broken", 500, "Broken", "This is a fault of homefleet's."}
)

func problems() []problem {
	return []problem{noSuchPage, noSuchDevice, noSuchAttribute, noSuchIncident, noSuchGroup, noSuchFault, badLoad, badMethod, nothingSelected, notNow, notHere,
		allRefused, keyReused, badBody, badSelector, badIncident, badDevice, badPayload, badQuery, unauthorized, hostNotAllowed,
		crossOrigin, tooLarge, badType, tooMany, tooManyViewers, noAnswer, broken}
}

// because returns a problem with what was wrong.
func (p problem) because(hint, format string, args ...any) *api.Problem {
	return &api.Problem{Type: "/problems/" + p.name, Title: p.title, Status: p.status, Detail: fmt.Sprintf(format, args...), Hint: hint}
}

// faulty returns a problem with all that is wrong with a body.
func (p problem) faulty(faults scenarios.Faults) *api.Problem {
	all := faults.Errors()
	if len(all) == 0 {
		return broken.because("", "a fault without a word")
	}
	if strings.HasPrefix(all[0].Path, "select") && p.name == badBody.name && !strings.HasPrefix(all[0].Message, `unknown key "select"`) {
		p = badSelector
	}
	out := p.because(all[0].Hint, "%s", all[0].Message)
	for _, f := range all {
		out.Errors = append(out.Errors, api.Fault{Pointer: pointer(f.Path), Detail: f.Message, Hint: f.Hint})
	}
	return out
}

// pointer makes a JSON Pointer of a path such as select.ids[2].
func pointer(path string) string {
	var b strings.Builder
	for path != "" {
		name, rest := path, ""
		if quoted, err := strconv.QuotedPrefix(path); err == nil && quoted[0] == '"' {
			name, _ = strconv.Unquote(quoted)
			rest = path[len(quoted):]
		} else if end := strings.IndexAny(path, ".["); end >= 0 {
			name, rest = path[:end], path[end:]
		}
		if name != "" || strings.HasPrefix(path, `"`) {
			b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
		}
		for strings.HasPrefix(rest, "[") {
			index, after, _ := strings.Cut(rest[1:], "]")
			b.WriteString("/" + index)
			rest = after
		}
		path = strings.TrimPrefix(rest, ".")
	}
	return b.String()
}

// asProblem makes a problem of any error.
func asProblem(err error) *api.Problem {
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return p
	}
	if errors.Is(err, fleet.ErrEnded) {
		return notNow.because("", "the run is over")
	}
	if faults, ok := errors.AsType[scenarios.Faults](err); ok {
		return badBody.faulty(faults)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge.because("", "the body has more than %d bytes, which is the most", mostBody)
	}
	return broken.because("", "%v", err)
}

// writeProblem answers with a problem.
func writeProblem(w http.ResponseWriter, p *api.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="homefleet"`)
	}
	w.WriteHeader(cmp.Or(p.Status, http.StatusInternalServerError))
	text, _ := json.Marshal(p) // texts and numbers, which cannot fail
	_, _ = w.Write(append(text, '\n'))
}

// servePage is what a problem means, in plain text.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	for _, p := range problems() {
		if p.name == r.PathValue("type") {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = fmt.Fprintf(w, "%s (%d)\n\n%s\n", p.title, p.status, p.means)
			return
		}
	}
	writeProblem(w, noSuchPage.because("", "there is no problem %q", r.PathValue("type")))
}
