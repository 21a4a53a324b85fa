package cmd

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"homefleet/fleet"
	"homefleet/fleet/conformance"
	"homefleet/fleet/survey"
	"homefleet/fleet/transport"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// secondFlags say who is there beside the user and the broker.
type secondFlags struct {
	username, passwordFile, passwordEnv string
	bridged                             string
}

func (s *secondFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&s.username, "other-username", "", "`NAME` of a second user, who is given Response Information, too: it is examined whether one can read the other's answers")
	fs.StringVar(&s.passwordFile, "other-password-file", "", "`FILE` that holds that user's password")
	fs.StringVar(&s.passwordEnv, "other-password-env", "", "environment `VARIABLE` that holds that user's password")
	fs.StringVar(&s.bridged, "bridged-to", "", "`URL` of a second broker that the first one hands all messages on to: it is examined what comes over the bridge")
}

// examination says whom to examine, and how.
func (a *app) examination(f *conformFlags) (*transport.Dialer, *conformance.Config, error) {
	f.broker.url = cmp.Or(f.broker.url, defaultBroker)
	for _, x := range []struct{ flag, topic string }{{"--topic-prefix", f.prefix}, {"--forbidden-topic", f.forbidden}} {
		if strings.ContainsAny(x.topic, "#+\x00") {
			return nil, nil, misused("", "%s is %q: want a topic without wildcards", x.flag, tomlfault.Short(x.topic))
		}
	}
	dialer, username, password, err := a.asUser(f.broker)
	if err != nil {
		return nil, nil, err
	}
	c := &conformance.Config{Dial: dialer.Dial, Username: username, Password: password, TopicPrefix: f.prefix, ForbiddenTopic: f.forbidden,
		ResponseInformation: f.information, Run: randomHex(3), Trace: a.verbose || a.json || f.html != "",
		Figures: f.only == nil && f.client == "", Budget: time.Minute}
	if f.slow {
		c.Budget = 10 * time.Minute
	}
	if f.timeout.set {
		c.Budget = f.timeout.d
	}
	if s := &f.second; s.username != "" {
		other := f.broker
		other.username, other.passwordFile, other.passwordEnv = s.username, s.passwordFile, s.passwordEnv
		if _, c.OtherUsername, c.OtherPassword, err = a.asUser(other); err != nil {
			return nil, nil, err
		}
	}
	if f.second.bridged != "" {
		far := f.broker
		far.url = f.second.bridged
		to, _, _, err := a.asUser(far)
		if err != nil {
			return nil, nil, err
		}
		c.Far = to.Dial
	}
	return dialer, c, nil
}

// versionOf is what an examined broker says it is, or why that is not known.
func versionOf(ctx context.Context, c *conformance.Config, old bool) (version, why string) {
	var password []byte
	if c.Password != nil {
		password = []byte(*c.Password)
	}
	return survey.Version(ctx, survey.Config{Dial: c.Dial, ClientID: "homefleet" + randomHex(6), Credentials: loginOf(c.Username, password), V311: old})
}

// asUser is the way to a broker, and as whom one goes there.
func (a *app) asUser(flags brokerFlags) (dialer *transport.Dialer, username string, password *string, err error) {
	var b scenarios.Broker
	if err := flags.apply(a, &b); err != nil {
		return nil, "", nil, err
	}
	if dialer, err = fleet.NewDialer(b); err != nil {
		return nil, "", nil, misused("", "%w", err)
	}
	if b.Username == "" || b.Password == (scenarios.Secret{}) {
		return dialer, string(b.Username), nil, nil
	}
	secret, err := a.secret(scenarios.Secret{File: escaped(string(b.Password.File)), Env: escaped(string(b.Password.Env))}, scenarios.Vars{})
	if err != nil {
		return nil, "", nil, misused("", "%w", err)
	}
	return dialer, string(b.Username), new(string(secret)), nil
}
