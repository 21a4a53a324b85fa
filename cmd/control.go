package cmd

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"homefleet/devices/words"
	"homefleet/fleet/control"
	"homefleet/fleet/control/page"
	"homefleet/fleet/exporter"
	"homefleet/fleet/metrics"
	"homefleet/fleet/report"
	"homefleet/fleet/requester"
	"homefleet/fleet/web"
	"homefleet/scenarios"
)

// controlFlags say whether, and where, a run can be controlled.
type controlFlags struct {
	address  string
	page     uiFlag // of a run: --ui; "": it is not shown
	hosts    []string
	tokenEnv string
}

// tokenVariable is where a token is looked for that no flag names.
const tokenVariable = "HOMEFLEET_CONTROL_TOKEN"

func (f *controlFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.address, "control", "", "`ADDRESS` to control the run at over HTTP, such as 127.0.0.1:7676 (default: it cannot be)")
	fs.StringSliceVar(&f.hosts, "control-host", nil, "`NAMES` that --control goes by, beside IP addresses and localhost")
	fs.StringVar(&f.tokenEnv, "control-token-env", "", "`NAME` of the variable with the token for --control (default "+tokenVariable+", or a random one)")
}

// addPage adds what a run alone has.
func (f *controlFlags) addPage(fs *pflag.FlagSet) {
	fs.Var(&f.page, "ui", "show the run in a browser of this machine, at the address that is printed; --ui=url opens none")
	fs.Lookup("ui").NoOptDefVal = string(uiOpen)
}

// uiAddress is where a page is looked for; another port is taken where this one is.
const uiAddress = "127.0.0.1:7676"

// check refuses flags that go with nothing.
func (f *controlFlags) check() error {
	if f.page != "" {
		return nil
	}
	if f.address != "" {
		return nil
	}
	switch {
	case len(f.hosts) > 0:
		return misused("", "--control-host is for --control")
	case f.tokenEnv != "":
		return misused("", "--control-token-env is for --control")
	}
	return nil
}

// token is the one from the environment, or a random one of 128 bits; given is that it is of
// the environment. flag names the variable, if named is not "", and otherwise is looked for.
func (a *app) token(flag, named, otherwise string) (token string, given bool, err error) {
	name := cmp.Or(named, otherwise)
	token, _ = a.LookupEnv(name)
	switch {
	case token == "" && named != "":
		return "", false, misused("", "%s names %s, which is not set", flag, name)
	case token == "":
		return randomHex(16), false, nil
	case len(token) > 256 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", false, misused("", "the token in %s is not 1 to 256 letters, digits and signs of ASCII", name)
	}
	return token, true, nil
}

// controlled is the control of a run, while it lasts.
type controlled struct {
	url, token string
	page       uiFlag // somebody wants to look at it: --ui
	shown      string // file that a browser was given; "": none
	api        *control.Server
	server     *http.Server
	serving    sync.WaitGroup
	entry      runEntry
}

// lastWords is how long it may take to give verdict and report to those who look on, which
// are yet to be written on a machine that may be busy. Who takes nothing holds nobody up for
// so long: it is sent away before, by [control.Config.Taken].
const lastWords = 20 * time.Second

// mostControlling bounds the connections to --control.
const mostControlling = 128

// openControl starts serving; without an address it returns nil. figures serves the
// metrics, and may be nil.
func (a *app) openControl(f *controlFlags, c control.Config) (*controlled, error) {
	if !f.wanted() {
		return nil, nil
	}
	token, _, err := a.token("--control-token-env", f.tokenEnv, tokenVariable)
	if err != nil {
		return nil, err
	}
	l, err := f.listen()
	if err != nil {
		return nil, err
	}
	c.Version, c.Token, c.Hosts = thisVersion(), token, f.hosts
	one := &controlled{url: "http://" + l.Addr().String(), token: token, page: f.page, api: control.New(c)}
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		one.url = "http://" + hereAddress(addr)
		if !addr.IP.IsLoopback() {
			a.warn("--control listens beyond this machine; whoever has the token controls the run, and it goes over the network unencrypted")
		}
	}
	one.server = web.NewBounded(mostControlling, one.api, c.Log)
	one.serving.Go(func() { _ = one.server.Serve(l) }) // it ends when the server is closed
	entry := entryDocument{PID: os.Getpid(), Run: c.Run, Scenario: scenarioName(c), Control: controlDocument{one.url, token}}
	if broker := c.Brokers[0]; words.PublicURL(broker) == broker {
		entry.Broker = broker
	}
	if one.entry, err = a.enterRun(entry); err != nil {
		a.warn("ctl will not find this run by itself: %v", err)
	}
	return one, nil
}

// wanted reports whether there is to be a control.
func (f *controlFlags) wanted() bool { return f.address != "" || f.page != "" }

func (f *controlFlags) listen() (net.Listener, error) {
	if f.address != "" {
		return listen("--control", f.address)
	}
	l, err := net.Listen("tcp", uiAddress)
	if err != nil {
		return listen("--ui", "127.0.0.1:0")
	}
	return l, nil
}

// browse is the address of the page with the token in its fragment, which a browser sends
// to nobody; it is empty where there is no control.
func (c *controlled) browse() string {
	if c == nil {
		return ""
	}
	return c.url + "/#token=" + c.token
}

func scenarioName(c control.Config) string {
	if c.Scenario == nil {
		return ""
	}
	return c.Scenario.Name
}

// document is the control in a ready file; nil where there is none.
func (c *controlled) document() *controlDocument {
	if c == nil {
		return nil
	}
	return &controlDocument{c.url, c.token}
}

// controlDocument says where a run is controlled, and with what.
type controlDocument struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// close ends the serving, once what is under way has been answered. A nil one serves
// nothing.
func (c *controlled) close() {
	if c == nil {
		return
	}
	c.entry.remove()
	if c.shown != "" {
		_ = os.Remove(c.shown) // who has it open has read it
	}
	c.api.End()
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	if err := c.server.Shutdown(ctx); err != nil {
		_ = c.server.Close()
	}
	c.serving.Wait()
}

// controlRun opens the control of a run, in which what was done in another one may be
// repeated.
func (r *running) controlRun(f *controlFlags, again *metrics.Result) (err error) {
	series := allSeries(r)
	config := control.Config{
		Fleet: r.fleet, Scenario: r.sc, Run: r.id, Brokers: []string{r.url}, Stop: r.fleet.Stop, Log: r.log, Report: report.HTML,
		Phone:   requester.NewPhone(requester.PhoneConfig{Name: "homefleet", Dial: r.dial, Login: r.controlLogin, Patience: r.sc.Connect.Timeout}),
		Metrics: web.Buffered(exporter.New(func() *metrics.Snapshot { return r.fleet.Progress(series...) }, r.exporterInfo())),
	}
	if f.wanted() {
		if config.Page, err = page.Handler(); err != nil {
			return err
		}
	}
	if r.embedded != nil {
		config.Brokers = append(config.Brokers, r.embedded.others...)
	}
	if r.control, err = r.openControl(f, config); err != nil || again == nil {
		return err
	}
	if r.control != nil {
		r.steering = r.control.api
	} else {
		r.steering = control.New(config)
	}
	return r.prepareReplay(again)
}

// controlLogin is as whom commands are given to devices: as the scenario says, with the
// run's name for an id.
func (r *running) controlLogin() (string, []byte, error) {
	b := &r.sc.Broker
	if b.Username == "" {
		return "", nil, nil
	}
	vars := scenarios.Vars{ID: r.id, Seed: r.sc.Seed, Run: r.id}
	if b.Password == (scenarios.Secret{}) {
		return b.Username.Expand(vars), nil, nil
	}
	password, err := r.secret(b.Password, vars)
	return b.Username.Expand(vars), password, err
}

// controlBroker opens the control of a broker alone, which stop ends.
func (a *app) controlBroker(f *controlFlags, e *embedded, stop func(), log *slog.Logger) (*controlled, error) {
	return a.openControl(f, control.Config{Brokers: append([]string{e.url}, e.others...), Stop: stop, Log: log})
}
