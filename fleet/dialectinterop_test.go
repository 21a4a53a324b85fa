package fleet_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"homefleet/devices/faces"
)

// Requests to devices of each dialect, by Mosquitto's own clients, on both brokers: the
// answers on the Response Topic, with the Correlation Data.
func TestInteropDialects(t *testing.T) {
	const toml = `
seed = 7
[connect]
backoff_min = "10ms"
[[device]]
kind = "plug"
id = "socket"
face = "tasmota"
[[device]]
kind = "light"
id = "lamp"
face = "home-assistant"
[[device]]
kind = "bridge"
id = "hub"
face = "zigbee2mqtt"
lights = 1
[[device]]
kind = "plug"
id = "meter"
face = "shelly"
[[device]]
kind = "light"
id = "bulb"
face = "homie"
`
	mac := func(number uint64) string {
		who := faces.Who{Number: number, Seed: 7}
		return string(who.AppendMAC(nil))
	}
	tasmota, shelly := "tasmota_"+mac(0)[6:], "shellyplugsg3-"+strings.ToLower(mac(3))
	for _, name := range brokers {
		t.Run(name, func(t *testing.T) {
			_, host, port := onBroker(t, name, toml)
			answers := client(t, "mosquitto_sub", host, port, "-V", "mqttv5", "-t", "rr/+", "-t", "ready", "-F", "%t %p %D")
			presence := client(t, "mosquitto_sub", host, port, "-V", "mqttv5", "-t", "tele/"+tasmota+"/LWT", "-R", "-t", "ready", "-F", "%t %p")
			publish := func(args ...string) {
				t.Helper()
				args = append([]string{"-h", host, "-p", fmt.Sprint(port), "-V", "mqttv5"}, args...)
				if out, err := exec.Command(needs(t, "mosquitto_pub"), args...).CombinedOutput(); err != nil {
					t.Fatalf("mosquitto_pub: %v\n%s", err, out)
				}
			}
			for range 50 { // until both have subscribed
				publish("-t", "ready", "-m", "x")
				if len(answers) > 0 && len(presence) > 0 {
					break
				}
			}
			for i, tt := range []struct{ topic, payload, want string }{
				{"cmnd/" + tasmota + "/POWER", "OFF", `{"POWER":"OFF"}|OFF`},
				{"cmnd/tasmotas/POWER", "ON", `{"POWER":"ON"}|ON`},
				{"cmnd/" + tasmota + "/Nonsense", "1", `{"Command":"Unknown"}`},
				{"homefleet/lamp/set", `{"state":"ON","brightness":40}`, `{"state":"ON","brightness":40,"color_mode":"color_temp","color_temp":370}`},
				{"zigbee2mqtt/bridge/request/health_check", `{"transaction":7}`, `{"data":{"healthy":true},"status":"ok","transaction":7}`},
				{"zigbee2mqtt/nobody/set", `{"state":"ON"}`, "Entity 'nobody' is unknown"},
				{shelly + "/rpc", `{"id":1,"src":"me","method":"Switch.Set","params":{"id":0,"on":false}}`, `{"id":1,"src":"` + shelly + `","dst":"me","result":{"was_on":true}}`},
				{"homie/5/bulb/light/brightness/set", "40", "40"},
			} {
				publish("-t", tt.topic, "-m", tt.payload, "-D", "publish", "response-topic", fmt.Sprintf("rr/%d", i), "-D", "publish", "correlation-data", "0123")
				for want := range strings.SplitSeq(tt.want, "|") {
					wantLine(t, answers, fmt.Sprintf("rr/%d %s 0123", i, want))
				}
			}
			// More Correlation Data than a Tasmota has room for ends its connection, and its
			// Will is published (3.14.4-3, which Mosquitto holds against any reason code but
			// 0x04); it comes again.
			publish("-t", "cmnd/"+tasmota+"/POWER", "-m", "OFF", "-D", "publish", "response-topic", "rr/x", "-D", "publish", "correlation-data", "01234567890123456")
			if name != "mosquitto" {
				wantLine(t, presence, "tele/"+tasmota+"/LWT Offline")
			}
			wantLine(t, presence, "tele/"+tasmota+"/LWT Online")
			publish("-t", "cmnd/"+tasmota+"/POWER", "-n", "-D", "publish", "response-topic", "rr/y", "-D", "publish", "correlation-data", "0123456789012345")
			wantLine(t, answers, `rr/y {"POWER":"ON"} 0123456789012345`)
		})
	}
}
