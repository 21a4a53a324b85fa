package cmd

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homefleet/fleet/deploy"
	"homefleet/scenarios"
)

// deployFlags are those of both ways to deploy.
type deployFlags struct {
	shards           int
	broker, size     string
	name, run        string
	longest          spanFlag
	image, namespace string
}

func (a *app) deployCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Print what Kubernetes or Slurm need to run shards on many machines",
		Long: `Print what a scheduler needs to run a scenario in shards, with the collector that has
them begin together and judges the whole: manifests for Kubernetes, a batch script
for Slurm. Nothing is started and nothing is contacted; secrets are named and not
printed.`,
		Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.deployTo("kubernetes", "Print manifests: an Indexed Job, and the collector with a Service",
		`  homefleet deploy kubernetes request-response --shards 8 \
    --broker mqtt://broker.example.org --image registry.example.org/homefleet:1 | kubectl apply -f -`, deploy.Kubernetes))
	cmd.AddCommand(a.deployTo("slurm", "Print a batch script",
		"  homefleet deploy slurm street.toml --shards 8 --broker mqtt://broker.example.org | sbatch", deploy.Slurm))
	return cmd
}

// deployTo is the command for one scheduler.
func (a *app) deployTo(scheduler, short, example string, write func(*deploy.Plan) (string, error)) *cobra.Command {
	var f deployFlags
	cmd := &cobra.Command{
		Use:               scheduler + " SCENARIO",
		Short:             short,
		Example:           example,
		Args:              want("SCENARIO"),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.deployPlan(args[0], &f, scheduler == "kubernetes")
			if err != nil {
				return err
			}
			text, err := write(p)
			if err != nil {
				return misused("", "%w", err)
			}
			return a.printf("%s", text)
		},
	}
	fs := cmd.Flags()
	fs.IntVar(&f.shards, "shards", 0, "`NUMBER` of shards, each a process of its own, 1 to 1000")
	fs.StringVar(&f.broker, "broker", "", "`URL` of the broker, as the shards reach it")
	fs.StringVar(&f.size, "size", "", "`SIZE` of the scenario, if it has sizes")
	fs.StringVar(&f.name, "name", "", "`NAME` of what is made (default: that of the scenario)")
	fs.StringVar(&f.run, "run", "", "`ID` of the run, {run} in templates (default: the name)")
	fs.Var(&f.longest, "longest", "how long all of it may take (default: the measurement and 15m)")
	if scheduler == "kubernetes" {
		fs.StringVar(&f.image, "image", "", "`IMAGE` that has homefleet as its entry point")
		fs.StringVar(&f.namespace, "namespace", "", "`NAMESPACE` of all objects (default: kubectl's)")
	}
	return cmd
}

// deployPlan checks what is to be deployed.
func (a *app) deployPlan(arg string, f *deployFlags, kubernetes bool) (*deploy.Plan, error) {
	switch {
	case arg == "-":
		return nil, misused("", "the scenario is read where the shards run, and stdin is not there; want a file or the name of a shipped one")
	case f.shards < 1 || f.shards > scenarios.MaxShards:
		return nil, misused("--shards 4", "--shards is %d; want 1 to %d", f.shards, scenarios.MaxShards)
	case f.broker == "":
		return nil, misused("--broker mqtt://HOST", "the shards share a broker, and none is named")
	case kubernetes && f.image == "":
		return nil, misused("`bash .ci/image/run` makes one; --image REGISTRY/homefleet:TAG", "no image is named")
	}
	src, err := a.readScenario(arg)
	if err != nil {
		return nil, err
	}
	sc, _, err := a.loadScenario(arg, f.size)
	if err != nil {
		return nil, err
	}
	sc.Broker.URL = f.broker
	switch {
	case !sc.Measured():
		return nil, misused("a [[controller]], [phases] or [expect] makes the run a measurement", "shards of a collector measure, and %s does not", sc.Name)
	case f.run != "" && !fitRun(f.run):
		return nil, misused("", "--run is %q; want up to 64 letters, digits, dots, dashes and underscores", f.run)
	}
	if _, err := sc.Shard(scenarios.Shard{K: f.shards, N: f.shards}, ""); err != nil {
		return nil, misused("", "%w", err)
	}
	p := &deploy.Plan{
		Name: f.name, Scenario: deploy.File{Name: filepath.Base(src.name), Text: string(src.text)}, Size: f.size, Shards: f.shards,
		Broker: f.broker, Run: f.run, Devices: sc.Count(), Image: f.image, Namespace: f.namespace,
		Longest: f.longest.or(sc.Phases.WarmUp + sc.Phases.Measure + 15*time.Minute),
	}
	if !kubernetes && src.file == "" {
		p.Scenario.Name = strings.TrimSuffix(src.name, ".toml") // shipped
	} else if !kubernetes {
		p.Scenario.Name = src.file
	}
	if p.Name == "" {
		p.Name = deploy.NameOf(arg)
	}
	if p.Run == "" {
		p.Run = p.Name
	}
	if err := deploy.FitName(p.Name); err != nil {
		return nil, misused("", "--name: %w", err)
	}
	if f.namespace != "" {
		if err := deploy.FitName(f.namespace); err != nil {
			return nil, misused("", "--namespace: %w", err)
		}
	}
	if env := sc.Broker.Password.Env; env != "" {
		if !env.Fixed() {
			return nil, misused("", "each device has a password of its own, in the variable %s: they have to be mounted by hand; want password_file, or one for all", printable(string(env)))
		}
		p.Password = string(env)
	}
	p.Files, err = a.deployFiles(src, sc)
	return p, err
}

// mostFiles is how many further files are mounted.
const mostFiles = 100

// deployFiles are the files that a scenario names, beside it.
func (a *app) deployFiles(src source, sc *scenarios.Scenario) (names []string, err error) {
	var reads runFlags
	seen := make(map[string]bool)
	for u := range a.runReads("", sc, &reads, []string{""}) {
		if u.name == "" || seen[u.name] {
			continue
		}
		seen[u.name] = true
		name, err := filepath.Rel(a.path(filepath.Dir(src.file)), a.path(u.name))
		switch {
		case err != nil || !filepath.IsLocal(name) || filepath.IsAbs(u.name):
			return nil, misused("", "%s is %s, which is not beside the scenario, where the shards have it", u.what, printable(u.name))
		case len(names) == mostFiles:
			return nil, misused("", "the scenario names more than %d files; want one [[device]] from = \"FILE\" for what differs, or an image that has them", mostFiles)
		}
		names = append(names, filepath.ToSlash(name))
	}
	return names, nil
}
