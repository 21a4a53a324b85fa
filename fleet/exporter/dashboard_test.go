package exporter

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"homefleet/fleet/metrics"
)

// dashboard is the part of Grafana's format that the tests look at.
type dashboard struct {
	Title         string `json:"title"`
	UID           string `json:"uid"`
	SchemaVersion int    `json:"schemaVersion"`
	Templating    struct {
		List []struct {
			Name  string          `json:"name"`
			Type  string          `json:"type"`
			Query json.RawMessage `json:"query"`
		} `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID      int    `json:"id"`
		Type    string `json:"type"`
		Title   string `json:"title"`
		GridPos struct{ X, Y, W, H int }
		Targets []struct {
			Expr       string `json:"expr"`
			RefID      string `json:"refId"`
			Datasource struct{ Type, UID string }
		} `json:"targets"`
	} `json:"panels"`
}

func load(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal(Dashboard, &d); err != nil {
		t.Fatalf("the dashboard is no JSON: %v", err)
	}
	return d
}

func TestDashboardIsWhole(t *testing.T) {
	d := load(t)
	if d.Title == "" || d.UID == "" || d.SchemaVersion == 0 || len(d.Panels) == 0 || len(d.Templating.List) != 2 {
		t.Errorf("the dashboard has title %q, uid %q, schema %d, %d panels, %d variables", d.Title, d.UID, d.SchemaVersion, len(d.Panels), len(d.Templating.List))
	}
	const columns = 24
	ids := make(map[int]bool)
	for i, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("panel %q has the id %d of another", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Title == "" || p.GridPos.W <= 0 || p.GridPos.H <= 0 || p.GridPos.X+p.GridPos.W > columns {
			t.Errorf("panel %q lies at %+v", p.Title, p.GridPos)
		}
		for _, o := range d.Panels[:i] {
			a, b := p.GridPos, o.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("panels %q and %q overlap", p.Title, o.Title)
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" || q.RefID == "" {
				t.Errorf("panel %q: the query %q is of the data source %q", p.Title, q.RefID, q.Datasource.UID)
			}
		}
	}
}

// metricName finds the names of metrics in a query: all that begins as ours and
// the runtime's do and is no label.
var metricName = regexp.MustCompile(`\b(homefleet|go|process)_[a-z0-9_]+`)

// Every metric that a query names must be in a scrape, with the labels that the
// query asks for.
func TestDashboardQueriesExist(t *testing.T) {
	s, info := fixture(t)
	_, body := scrape(t, New(func() *metrics.Snapshot { return s }, info), "/metrics", "")
	families := make(map[string]string) // a sample of each
	for name := range samples(t, body) {
		family, labels, _ := strings.Cut(name, "{")
		if strings.Count(labels, "=") >= strings.Count(families[family], "=") {
			families[family] = "{" + labels
		}
		if native, ok := strings.CutSuffix(family, "_bucket"); ok {
			families[native] = "{}" // the native histogram goes by this name
		}
	}
	byLabel := regexp.MustCompile(`by \(([a-z_, ]+)\)`)
	inSelector := regexp.MustCompile(`([a-z_]+)(=~|!=|!~|=)"`)
	d := load(t)
	asked := 0
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			names := metricName.FindAllString(q.Expr, -1)
			if len(names) == 0 {
				t.Errorf("panel %q: %s names no metric", p.Title, q.Expr)
			}
			var all strings.Builder
			for _, name := range names {
				asked++
				if _, ok := families[name]; !ok {
					t.Errorf("panel %q asks for %s, which is not in a scrape", p.Title, name)
				}
				all.WriteString(families[name])
			}
			var labels []string
			for _, m := range byLabel.FindAllStringSubmatch(q.Expr, -1) {
				labels = append(labels, strings.Split(strings.ReplaceAll(m[1], " ", ""), ",")...)
			}
			for _, m := range inSelector.FindAllStringSubmatch(q.Expr, -1) {
				labels = append(labels, m[1])
			}
			for _, l := range labels {
				if l != "job" && !strings.Contains(all.String(), l+"=") { // Prometheus itself adds the job
					t.Errorf("panel %q: %s asks for the label %s, which none of its metrics has", p.Title, q.Expr, l)
				}
			}
		}
	}
	if asked < len(d.Panels) {
		t.Errorf("the queries name %d metrics in %d panels; is the expression for names right?", asked, len(d.Panels))
	}
}

// promtool reads every query as PromQL.
func TestDashboardQueriesParse(t *testing.T) {
	tool := promtool(t)
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	n := 0
	for _, p := range load(t).Panels {
		for _, q := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "1m", "$job", ".*").Replace(q.Expr)
			quoted, err := json.Marshal(expr) // which is YAML too
			if err != nil {
				t.Fatal(err)
			}
			rules.WriteString("  - record: dashboard:query:" + strings.Repeat("q", n+1) + "\n    expr: " + string(quoted) + "\n")
			n++
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool check rules = %v\n%s", err, out)
	}
}
