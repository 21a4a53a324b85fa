package cmd

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"homefleet/scenarios"
	"homefleet/scenarios/quick"
)

// benchFlags are the flags of bench, in one of its shapes.
type benchFlags struct {
	run   runFlags
	shape quick.Shape
	load  quick.Load
	show  bool
}

func (a *app) benchCommand() *cobra.Command {
	bench := a.benchOf(quick.Requests, &cobra.Command{
		Use:   "bench",
		Short: "Load a broker, with all that is to be said in one line",
		Long: `Load a broker without a scenario file: devices that controllers command, at a rate,
for a time. Every request is accounted for, as in a run of a scenario. Expected is that
all devices are up and the load was sent, and what --expect says.

"bench connect" has devices connect and no more; "bench fan-in" has many publish to a
few; "bench fan-out" sends each request to all of them.

It is a scenario all the same: --print shows it, to save and to grow.`,
		Example: `  homefleet bench
  homefleet bench --broker mqtt://localhost:1883 --devices 200 --rate 300/s --for 1m
  homefleet bench --broker mqtts://broker:8883 --qos 1 --payload-size 1KiB --expect 'response.p99 < 50ms'
  homefleet bench connect --broker mqtt://localhost:1883 --devices 5000 --connect-rate 500/s
  homefleet bench fan-in --devices 1000 --telemetry 1s --watchers 4 --qos 1
  homefleet bench --devices 200 --rate 300/s --print > load.toml`,
	})
	bench.SetUsageTemplate(strings.Replace(usageTemplate, "  {{.CommandPath}} COMMAND [flags]", "  {{.CommandPath}} [flags]\n  {{.CommandPath}} COMMAND [flags]", 1))
	for shape, short := range map[quick.Shape]string{
		quick.Connect: "Devices connect, and no more",
		quick.FanIn:   "Many devices publish to a few watchers, who share the work",
		quick.FanOut:  "Each request goes to all devices, and all of them answer",
	} {
		sub := a.benchOf(shape, &cobra.Command{Use: string(shape), Short: short})
		if shape == quick.Connect {
			sub.Aliases = []string{"conn"} // as others call it
		}
		sub.SetUsageTemplate(usageTemplate)
		bench.AddCommand(sub)
	}
	return bench
}

// benchOf makes the command of one shape of load.
func (a *app) benchOf(shape quick.Shape, cmd *cobra.Command) *cobra.Command {
	f := &benchFlags{shape: shape}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 && cmd.HasSubCommands() {
			e := unknownCommand(cmd, args[0])
			switch args[0] { // of MQTTX and emqtt_bench
			case "pub":
				e.hint = "many that publish are `" + cmd.CommandPath() + " fan-in`"
			case "sub":
				e.hint = "many that receive are `" + cmd.CommandPath() + " fan-out`"
			}
			return e
		}
		return want()(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.bench(cmd, f) }
	cmd.SetFlagErrorFunc(foreignFlag)
	fs := cmd.Flags()
	fs.SortFlags = false
	f.add(fs)
	f.run.broker.add(fs, "`URL` of the broker (mqtt, mqtts, ws or wss); without it one is started in the process")
	f.run.listen.add(fs)
	f.run.shared(fs)
	completeFiles(cmd)
	return cmd
}

// add adds what says the load.
func (f *benchFlags) add(fs *pflag.FlagSet) {
	l := &f.load
	is := func(all ...quick.Shape) bool {
		return slices.Contains(all, f.shape)
	}
	kind, lasts := "light", "30s"
	if is(quick.FanIn) {
		kind = "plug"
	}
	if is(quick.Connect) {
		lasts = "5s"
	}
	fs.IntVar(&l.Devices, "devices", 100, "how many devices")
	fs.StringVar(&l.Kind, "kind", kind, "`KIND` of device; \"homefleet kinds\" lists them")
	fs.StringVar(&l.Face, "face", "", "`NAME` of the dialect they speak; \"homefleet faces\" lists them")
	fs.StringVar(&l.ConnectRate, "connect-rate", "", "`RATE` at which they connect, such as 500/s (default: as fast as it goes)")
	fs.StringVar(&l.KeepAlive, "keep-alive", "", "their Keep Alive, a `DURATION` (default 60s)")
	if is(quick.Requests, quick.FanOut) {
		rate := "100/s"
		if is(quick.FanOut) {
			rate = "1/s"
		}
		fs.IntVar(&l.Controllers, "controllers", 4, "how many command the devices, each with a connection of its own")
		fs.StringVar(&l.Rate, "rate", rate, "requests in a second of all controllers together, a `RATE`")
		fs.StringVar(&l.Attribute, "attribute", "power", "`NAME` of what they set")
		fs.StringArrayVar(&l.Payloads, "payload", nil, "`TEXT` that they send; several of these are sent in turn (default ON and OFF for power, else a query)")
		fs.StringVar(&l.Timeout, "timeout", "", "`DURATION` after which an answer is late (default 5s)")
	}
	if is(quick.FanIn) {
		fs.IntVar(&l.Watchers, "watchers", 2, "how many subscribe, with one shared subscription")
	}
	if is(quick.FanIn, quick.FanOut, quick.Requests) {
		fs.StringVar(&l.PayloadSize, "payload-size", "", "`SIZE` that payloads are padded to, such as 1KiB (default: as long as they are)")
		fs.IntVar(&l.QoS, "qos", 0, "QoS of it all: 0, 1 or 2")
	}
	reports := ""
	if is(quick.FanIn) {
		reports = "1s"
	}
	fs.StringVar(&l.Telemetry, "telemetry", reports, "`DURATION` from one report of a device to the next (default: none)")
	fs.Lookup("telemetry").DefValue = reports
	if is(quick.FanIn) {
		fs.Lookup("telemetry").Usage = "`DURATION` from one report of a device to the next"
	}
	fs.StringVar(&l.For, "for", lasts, "`DURATION` of the measuring")
	fs.StringVar(&l.WarmUp, "warm-up", "", "`DURATION` before it, of which nothing is measured (default 0s)")
	fs.StringArrayVar(&l.Expect, "expect", nil, "`TEXT` such as 'response.p99 < 50ms': what has to be true, or the exit code is 3; may be repeated. \"homefleet metrics\" lists what there is")
	fs.BoolVar(&f.run.clear, "clear", true, "at the end, empty every topic that the devices left retained on a broker elsewhere; --clear=false leaves them")
	fs.BoolVar(&f.show, "print", false, "print the scenario, and run nothing")
}

// bench makes the scenario and runs it, or prints it.
func (a *app) bench(cmd *cobra.Command, f *benchFlags) error {
	if err := f.complete(); err != nil {
		return err
	}
	f.run.tryClear = !a.given(cmd, "clear")
	f.run.clear = f.run.clear && f.load.Broker != "" // the one in the process is gone with it
	by, also := a.Name+" "+strings.Join(quotedWords(a.Args), " "), f.also(cmd)
	file := quick.Write(f.shape, &f.load, by, also)
	sc, faults := scenarios.Load("bench", []byte(file.Text()))
	if sc == nil {
		return ofFlags(file, faults.Errors())
	}
	if ramp := rampOf(sc); ramp > 0 {
		f.load.Connect = ramp.String()
		file = quick.Write(f.shape, &f.load, by, also)
		if sc, faults = scenarios.Load("bench", []byte(file.Text())); sc == nil {
			return ofFlags(file, faults.Errors())
		}
	}
	sc.Digest = f.digest()
	if f.show {
		if a.json {
			return a.document(struct {
				Text string `json:"text"`
			}{file.Text()})
		}
		_, err := io.WriteString(a.Stdout, file.Text())
		return err
	}
	for i := range faults {
		faults[i] = ofFlag(file, faults[i])
	}
	leave, err := a.withParent(cmd, f.run.orphan)
	if err != nil {
		return err
	}
	defer leave()
	return a.runLoaded(cmd, sc, faults, "-", &f.run)
}

// digest is that of the load alone: two that differ in the broker, or in what becomes of the
// result, are of the same scenario, as two runs of a file are.
func (f *benchFlags) digest() string {
	l := f.load
	l.Broker, l.Username, l.Password = "", "", quick.Password{}
	l.CAFile, l.CertFile, l.KeyFile, l.Insecure = "", "", "", false
	l.Seed = "" // which a result has beside it
	return fmt.Sprintf("%x", sha256.Sum256([]byte(quick.Write(f.shape, &l, "", "").Text())))
}

// complete fills in what depends on other flags.
func (f *benchFlags) complete() error {
	l := &f.load
	if f.run.broker.url != "" && f.run.broker.url != embeddedWord {
		address, err := brokerURL(f.run.broker.url)
		if err != nil {
			return err
		}
		l.Broker = address
	}
	b := &f.run.broker
	l.Username, l.CAFile, l.CertFile, l.KeyFile, l.Insecure = b.username, b.caFile, b.certFile, b.keyFile, b.insecure
	if l.MQTT, l.Seed = f.run.mqtt, f.run.seed; b.username != "" {
		l.Password = quick.Password{File: b.passwordFile, Env: b.passwordEnv}
	}
	if l.Controllers > 0 && l.Attribute == "power" && len(l.Payloads) == 0 {
		l.Payloads = []string{"ON", "OFF"}
	}
	return nil
}

// also is what is to be said, with a space before each flag, with a scenario made of what
// bench was told, so that it does the same: how it is run, where a scenario says nothing of
// that.
func (f *benchFlags) also(cmd *cobra.Command) string {
	run := new(pflag.FlagSet)
	new(runFlags).shared(run)
	new(listenFlags).add(run)
	text := ""
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		switch {
		case run.Lookup(flag.Name) == nil || flag.Name == "seed" || flag.Name == "mqtt":
		case flag.NoOptDefVal == "":
			text += flagText("--"+flag.Name, flag.Value.String())
		case flag.Value.String() == flag.NoOptDefVal:
			text += " --" + flag.Name
		default:
			text += " --" + flag.Name + "=" + shellQuote(flag.Value.String())
		}
	})
	if f.run.clear {
		text += " --clear"
	}
	return text
}

// spareRamp is how much longer than the ramp of its connects a fleet may take.
const spareRamp = 1.5

// rampOf is how long the devices may take to come up where the usual time is too short for
// the rate at which they connect; else 0.
func rampOf(sc *scenarios.Scenario) time.Duration {
	if sc.Connect.Rate == 0 {
		return 0
	}
	if ramp := float64(sc.Count()) / sc.Connect.Rate * spareRamp; ramp > sc.Phases.Connect.Seconds() {
		return time.Duration(math.Ceil(min(ramp, 86400*364))) * time.Second
	}
	return 0
}

// ofFlags says what is wrong with a scenario of the flags that it was made from.
func ofFlags(file *quick.File, faults scenarios.Faults) error {
	f := ofFlag(file, faults[0])
	return misused(f.Hint, "%s", f.Message)
}

// ofFlag says a fault of the flag that its line was made from.
func ofFlag(file *quick.File, f scenarios.Fault) scenarios.Fault {
	flag := file.FlagOf(f.Line)
	f.Line, f.Col, f.Width, f.Source, f.File = 0, 0, 0, "", "bench"
	if flag != "" {
		f.Message = "--" + flag + ": " + f.Message
	}
	return f
}

// quotedWords are words as a shell takes them.
func quotedWords(all []string) []string {
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = shellQuote(w)
	}
	return out
}
