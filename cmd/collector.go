package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet/cluster"
	"homefleet/fleet/files"
	"homefleet/fleet/metrics"
	"homefleet/fleet/web"
)

// collectFlags are the flags of collect.
type collectFlags struct {
	shards    int
	listen    string
	run       string
	tokenEnv  string
	ready     string
	barrier   spanFlag
	patience  spanFlag
	lead      spanFlag
	oneBroker bool
	outputs   outputFlags
}

// collectAddress is where a collector listens unless it is told otherwise.
const collectAddress = "127.0.0.1:7677"

func (a *app) collectCommand() *cobra.Command {
	var f collectFlags
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Have the shards of one run begin together, and judge the whole",
		Long: `Wait for the shards of one run, have all begin at the same moment, gather their
results, and print one result with one verdict. Each shard is a process of its
own, here or on other machines: "homefleet run SCENARIO --broker URL --shard K/N
--collector URL". Within an Indexed Job of Kubernetes, srun, a job array of Slurm
or an array job of AWS Batch a shard finds its number by itself.

Who takes part has to know the token: it is in the variable ` + collectorVariable + `,
or random, and shards on this machine find it by themselves. A collector that is
started again, with the same --run and token, goes on where the other one was.

Exit codes are those of a run: 0 all well, 1 no result, or a shard was lost, 2 bad
usage, 3 an expectation failed, 130 interrupted.`,
		Example: `  homefleet collect --shards 3
  homefleet collect --shards 40 --listen 0.0.0.0:7677 --report report.html`,
		Args:              want(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.collectRun(cmd.Context(), &f) },
	}
	fs := cmd.Flags()
	fs.IntVar(&f.shards, "shards", 0, "`NUMBER` of shards that there are to be, 1 to 1000")
	fs.StringVar(&f.listen, "listen", collectAddress, "`ADDRESS` to listen on for shards")
	fs.StringVar(&f.run, "run", "", "`ID` of the run, {run} in templates (default: random)")
	fs.StringVar(&f.tokenEnv, "token-env", "", "`NAME` of the variable with the token (default "+collectorVariable+", or a random one)")
	fs.StringVar(&f.ready, "ready-file", "", "`FILE` to write, as JSON, when it listens: its URL, the run and the token")
	fs.Var(&f.barrier, "barrier", "how long the last shard may come after the first (default 5m)")
	fs.Var(&f.patience, "patience", "how long a shard that is lost is waited for, once all others are done (default 30s)")
	fs.Var(&f.lead, "lead", "from the arrival of the last shard to the beginning (default 2s)")
	fs.BoolVar(&f.oneBroker, "one-broker", false, "the addresses at which shards have their broker are of one broker")
	f.outputs.add(fs)
	return cmd
}

// or is a flag's span, or the default.
func (f *spanFlag) or(otherwise time.Duration) time.Duration {
	if f.set {
		return f.d
	}
	return otherwise
}

// collectRun carries out the command.
func (a *app) collectRun(ctx context.Context, f *collectFlags) error {
	switch {
	case f.shards < 1 || f.shards > cluster.MostShards:
		return misused("homefleet collect --shards 3", "--shards is %d; want 1 to %s", f.shards, words.Grouped(cluster.MostShards))
	case f.run != "" && !fitRun(f.run):
		return misused("", "--run is %q; want up to 64 letters, digits, dots, dashes and underscores", f.run)
	}
	if err := a.spare(append(f.outputs.named(), fileUse{"--ready-file", f.ready}), slices.Values([]fileUse(nil))); err != nil {
		return err
	}
	outputs, err := a.prepareOutputs(&f.outputs, 0)
	if err != nil {
		return err
	}
	ready, err := a.prepareReadyFile(f.ready)
	if err != nil {
		return err
	}
	defer func() { ready.end() }()
	token, given, err := a.token("--token-env", f.tokenEnv, collectorVariable)
	if err != nil {
		return err
	}
	l, err := listen("--listen", f.listen)
	if err != nil {
		return err
	}
	log := a.logger()
	run := f.run
	if run == "" {
		run = newRunID()
	}
	c := cluster.New(cluster.Config{
		Shards: f.shards, Run: run, Fixed: f.run != "", Token: token, Log: log,
		Lead: f.lead.or(2 * time.Second), Barrier: f.barrier.or(5 * time.Minute), Patience: f.patience.or(30 * time.Second),
	})
	url := "http://" + hereAddress(l.Addr().(*net.TCPAddr))
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		a.warn("--listen is beyond this machine; token and results go over the network unencrypted")
	}
	server := web.NewBounded(2*f.shards+16, c.Handler(), log) // the token is what lets one in, by whatever name
	stopped := make(chan struct{})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) }) // it ends when the server is closed
	serving.Go(func() { c.Watch(stopped) })
	defer func() {
		close(stopped)
		late, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(late) != nil {
			_ = server.Close()
		}
		serving.Wait()
	}()
	entry := a.enterCollector(url, token, given)
	defer entry.remove()
	if err := ready.write(readyDocument{Collector: &controlDocument{url, token}, Run: run}); err != nil {
		return err
	}
	a.collectBanner(f, elsewhere(l.Addr().(*net.TCPAddr), url), run, given)
	a.awaitShards(ctx, c)
	return a.concludeRun(ctx, c, f, outputs)
}

// elsewhere is how other machines call the URL of what listens on all addresses of this one: by
// its name. Where it listens on one address, that is it.
func elsewhere(at *net.TCPAddr, url string) string {
	if host, err := os.Hostname(); err == nil && at.IP.IsUnspecified() {
		return "http://" + net.JoinHostPort(host, strconv.Itoa(at.Port))
	}
	return url
}

// collectBanner says what is waited for, and how a shard is started.
func (a *app) collectBanner(f *collectFlags, url, run string, given bool) {
	if a.quiet {
		return
	}
	p := a.errPaint()
	var r rows
	r.add("run", "%s, of %s", run, plural(f.shards, "shard"))
	r.add("listens", "%s", url)
	token := "random; shards on this machine find it, --ready-file has it for others"
	if given {
		token = "of the environment, as the shards need it in " + collectorVariable
	}
	r.add("token", "%s", token)
	fmt.Fprintf(a.screen, "%s\n%sStart the shards:\n", p.bold("homefleet collect"), r.text("  ", p))
	for _, k := range []int{1, f.shards} {
		fmt.Fprintf(a.screen, "  %s\n", p.green(fmt.Sprintf("%s run SCENARIO --broker URL --shard %d/%d --collector %s", a.Name, k, f.shards, url)))
		if f.shards == 1 {
			break
		}
		if k == 1 && f.shards > 2 {
			fmt.Fprintln(a.screen, "  …")
		}
	}
	fmt.Fprintln(a.screen, p.dim("Ctrl-C has all shards stop."))
}

// awaitShards tells how the run goes until nothing more can come of it.
func (a *app) awaitShards(ctx context.Context, c *cluster.Collector) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	plain := plainLines{at: time.Now()}
	done := ctx.Done()
	for {
		select {
		case <-c.Done():
			a.screen.Status("", paint{})
			return
		case <-done:
			done = nil
			a.stopping("all shards")
			c.Stop("it was told to end")
		case now := <-tick.C:
			if a.quiet {
				continue
			}
			text := collectText(c.State(), now)
			a.screen.Status(text, a.errPaint())
			if !a.Stderr.Terminal && plain.turn(now, plainEvery) {
				plain.say(a.screen, now, text)
			}
		}
	}
}

// collectText is how far a run of shards is, in a line.
func collectText(s cluster.State, now time.Time) string {
	missing := ""
	if len(s.Missing) > 0 {
		missing = "; missing: " + strings.Join(someNames(s.Missing), ", ")
	}
	switch {
	case s.Begin.IsZero():
		return fmt.Sprintf("%d of %s ready%s", s.Shards-len(s.Missing), plural(s.Shards, "shard"), missing)
	case now.Before(s.Begin):
		return "all shards are ready: they begin in a moment"
	}
	p := s.Progress
	text := fmt.Sprintf("%s  %s of %s measured, results of %d of %s", printable(p.Phase), words.Span(min(now.Sub(s.Begin.Add(s.Plan.WarmUp)).Round(time.Second), s.Plan.Measure)),
		words.Span(s.Plan.Measure), s.Results, plural(s.Shards, "shard"))
	if p.Planned > 0 {
		text += fmt.Sprintf(", sent %s, answered %s", words.Grouped(p.Sent), words.Grouped(p.Answered))
	}
	return text + missing
}

// concludeRun prints and writes the result of all shards.
func (a *app) concludeRun(ctx context.Context, c *cluster.Collector, f *collectFlags, outputs []output) error {
	res, lost, err := c.Outcome()
	if err != nil {
		if ctx.Err() != nil {
			return interrupted()
		}
		return failed("", "%w", err)
	}
	putErr := a.putAll(outputs, metrics.NewRuns(res.Tool, 1, []*metrics.Result{res}))
	show := a.resultText
	if a.json {
		show = a.resultDocument
	}
	if err := show(res); err != nil && !outClosed(err) {
		return err
	}
	switch {
	case putErr != nil:
		return putErr
	case len(lost) > 0:
		return failed("percentiles and sums are of what the other shards measured", "%s", lost[0].Sentence()+more(len(lost)-1))
	}
	return wholeVerdict(res, f.oneBroker)
}

// more counts what is not told.
func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; and %s", plural(n, "other loss"))
}

// collectorSuffix is that of the entries of collectors among those of runs.
const collectorSuffix = ".collector"

// enterCollector enters a collector with a random token where shards of the same user find it.
func (a *app) enterCollector(url, token string, given bool) runEntry {
	if given {
		return ""
	}
	entry, err := a.enter("collector-"+randomHex(4)+collectorSuffix, entryDocument{PID: os.Getpid(), Control: controlDocument{url, token}})
	if err != nil {
		a.warn("shards will not find the token by themselves: %v", err)
	}
	return entry
}

// enteredCollector is the token of a collector of this machine's; "" if there is none.
func (a *app) enteredCollector(url string) string {
	dir, err := a.runDirectory(false)
	if err != nil {
		return ""
	}
	found, _ := filepath.Glob(filepath.Join(dir, "*"+collectorSuffix))
	for _, path := range found {
		text, err := files.Read(path, mostRunEntry)
		var d entryDocument
		if err != nil || json.Unmarshal(text, &d) != nil {
			continue
		}
		if !alive(d.PID) {
			_ = os.Remove(path)
			continue
		}
		if d.Control.URL == strings.TrimSuffix(strings.Replace(url, "localhost", "127.0.0.1", 1), "/") {
			return d.Control.Token
		}
	}
	return ""
}
