package cmd

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

// lossy loses every request, which is known as the run ends and not before: late enough for who
// scrapes while it lasts.
const lossy = `
[phases]
measure = "300ms"
[[device]]
kind = "light"
misbehave = { drop = "100%" }
[[controller]]
attribute = "power"
rate = "20/s"
timeout = "2s"
`

var metricsAt = regexp.MustCompile(`metrics +(http://127\.0\.0\.1:\d+)/metrics`)

// scraped starts a lossy run, and scrapes it while it measures if it is to.
func scraped(t *testing.T, early bool, flags ...string) (*job, string) {
	t.Helper()
	j, _ := startFleet(t, loadFile(t, lossy), append([]string{"--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"}, flags...)...)
	m, err := j.stderr.await(metricsAt, j.ended)
	if err != nil {
		t.Fatal(err)
	}
	if early {
		fetch(t, string(m[1])+"/metrics")
	}
	return j, string(m[1]) + "/metrics"
}

func lastLosses(t *testing.T, url string) {
	t.Helper()
	page := string(fetch(t, url))
	if want := `homefleet_requests_total{outcome="lost"} 6`; !strings.Contains(page, want+"\n") {
		line := regexp.MustCompile(`.*outcome="lost".*`).FindString(page)
		t.Errorf("the last scrape says %q; want %q", line, want)
	}
}

// Whoever scraped before gets what became of the last requests, and is not
// waited for after that.
func TestTheLastScrapeHasTheLastLosses(t *testing.T) {
	t.Parallel()
	j, url := scraped(t, true)
	if _, err := j.stderr.await(regexp.MustCompile(`(?m)^the metrics wait for the next scrape, at most 20s; Ctrl-C ends that$`), j.ended); err != nil {
		t.Fatal(err)
	}
	if _, err := j.stdout.await(regexp.MustCompile(`(?m)^verdict: `), j.ended); err != nil {
		t.Errorf("the result is not out while the metrics wait: %v", err)
	}
	lastLosses(t, url)
	select {
	case <-j.ended:
	case <-time.After(scriptPatience):
		t.Fatal("the run goes on after the last scrape")
	}
}

// A scrape that is under way as the run ends may be without the last losses: there is
// another to wait for.
func TestAScrapeUnderWayCounts(t *testing.T) {
	s := &scrape{last: make(chan struct{}, 1)}
	under := false
	s.noting(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		under = s.seen.Load()
		s.ended.Store(true)
	})).ServeHTTP(nil, httptest.NewRequest("GET", "/metrics", nil))
	if !under || len(s.last) != 0 {
		t.Errorf("while it is answered it has been seen: %t, and is the last: %t; want true and false", under, len(s.last) != 0)
	}
}

// Nobody is waited for where nobody scraped, nor with --linger 0s.
func TestNoLingeringForNobody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		early bool
		flags []string
	}{{"nobody scraped", false, nil}, {"linger 0s", true, []string{"--linger", "0s"}}} {
		t.Run(c.name, func(t *testing.T) {
			j, _ := scraped(t, c.early, c.flags...)
			<-j.ended
			if text, _ := j.stderr.now(); strings.Contains(string(text), "the metrics wait") || strings.Contains(string(text), "the metrics stay") {
				t.Errorf("the run waited for a scrape:\n%s", text)
			}
		})
	}
}

// --linger serves for as long as it says, whoever has scraped and however often,
// until Ctrl-C.
func TestLingerUntilCtrlC(t *testing.T) {
	t.Parallel()
	j, url := scraped(t, false, "--linger", "1h")
	if _, err := j.stderr.await(regexp.MustCompile(`(?m)^the metrics stay for 1h; Ctrl-C ends that$`), j.ended); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		lastLosses(t, url)
	}
	j.interrupt()
	<-j.ended
	if _, err := http.Get(url); err == nil {
		t.Error("the metrics are served after the end")
	}
}
