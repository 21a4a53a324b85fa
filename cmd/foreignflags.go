package cmd

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"homefleet/scenarios/tomlfault"
)

// foreignFlags are the flags by which the benches of MQTTX and emqtt_bench, and k6, say
// what is another flag of bench, or none; their short ones, too. Sources: README of
// github.com/emqx/emqtt-bench, mqttx.app/docs/cli/get-started, and for vus, duration,
// iterations, threshold and out grafana.com/docs/k6.
var foreignFlags = map[string]string{
	"count": "the number of devices is --devices", "c": "the number of devices is --devices",
	"clients": "the number of devices is --devices", "publishers": "the number of devices is --devices",
	"vus": "those who send are --controllers, and those who are sent to are --devices",

	"host": "the broker is --broker mqtt://HOST:PORT", "hostname": "the broker is --broker mqtt://HOST:PORT",
	"port": "the broker is --broker mqtt://HOST:PORT", "p": "the broker is --broker mqtt://HOST:PORT",
	"protocol": "--broker mqtts://HOST:PORT is TLS, and ws and wss are WebSocket", "l": "--broker mqtts://HOST:PORT is TLS, and ws and wss are WebSocket",
	"ssl": "--broker mqtts://HOST:PORT is TLS", "S": "--broker mqtts://HOST:PORT is TLS", "ws": "--broker ws://HOST:PORT is WebSocket",
	"path": "the path is a part of the URL: --broker ws://HOST:PORT/PATH",

	"interval": "connects are --connect-rate, such as 100/s for one each 10 ms", "i": "connects are --connect-rate, such as 100/s for one each 10 ms",
	"connrate": "connects are --connect-rate, such as 500/s", "R": "connects are --connect-rate, such as 500/s",
	"message-interval": requestsOrReports, "interval_of_msg": requestsOrReports, "interval-of-msg": requestsOrReports, "I": requestsOrReports, "im": requestsOrReports,

	"limit": "how long it lasts is --for", "L": "how long it lasts is --for", "message-limit": "how long it lasts is --for",
	"duration": "how long it lasts is --for", "d": "how long it lasts is --for",
	"iterations": "how long it lasts is --for",

	"size": "the size of payloads is --payload-size, such as 1KiB", "s": "the size of payloads is --payload-size, such as 1KiB",
	"message": "what controllers send is --payload", "m": "what controllers send is --payload",
	"topic": "devices have topics of their own, which `homefleet faces` lists", "t": "devices have topics of their own, which `homefleet faces` lists",
	"keepalive": "it is --keep-alive, such as 60s", "k": "the Keep Alive is --keep-alive, such as 60s",
	"user": "it is --username", "u": "the user is --username", "password": "a password is in a file or a variable: --password-file, --password-env",
	"P": "a password is in a file or a variable: --password-file, --password-env", "pw": "a password is in a file or a variable: --password-file, --password-env",
	"ca": "it is --ca-file", "cacertfile": "it is --ca-file", "cafile": "it is --ca-file", "cert": "it is --cert-file", "certfile": "it is --cert-file",
	"key": "it is --key-file", "keyfile": "it is --key-file", "mqtt-version": "it is --mqtt: 5 or 3.1.1", "V": "the version is --mqtt: 5 or 3.1.1",
	"prom": "figures for Prometheus are at --metrics ADDRESS", "prometheus": "figures for Prometheus are at --metrics ADDRESS",
	"threshold": "what has to be true is --expect", "out": "the result goes to --result FILE, --report FILE and --junit FILE",
	"ifaddr": "the addresses to connect from are --source-addr",
}

const requestsOrReports = "requests are --rate, such as 100/s, of all controllers together; what devices report by themselves is --telemetry, such as 1s"

// foreignFlag is flagFault for who comes from another tool.
func foreignFlag(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name, dashes := unknown.GetSpecifiedName(), "--"
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			name, dashes = short, "-"
		}
		if answer, ok := foreignFlags[name]; ok {
			return misused(answer, "there is no flag %s%s here", dashes, tomlfault.Short(name))
		}
	}
	return flagFault(cmd, err)
}
