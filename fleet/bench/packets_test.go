//go:build linux

package bench

import (
	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// receiveMaximum of all contenders: what the scenarios have by default.
const receiveMaximum = 32

// welcome are the CONNECT and SUBSCRIBE of one device, as a fleet sends them.
func welcome(id string, keepAlive int) (connect, subscribe []byte) {
	c := wire.Connect{
		Version: wire.V5, ClientID: id, CleanStart: true, KeepAlive: uint16(keepAlive),
		SessionExpiry: 3600, ReceiveMaximum: receiveMaximum, MaximumPacketSize: 256 << 10,
		Will: &wire.Will{
			Topic: []byte("tele/" + id + "/lwt"), Payload: []byte("Offline"), QoS: 1, Retain: true, Delay: 5,
			Props: wire.Properties{
				ResponseTopic: []byte("will/seen/" + id), CorrelationData: []byte(id + "/run"),
				User: wire.AppendUserProperty(nil, "home", id[:min(len(id), 9)]),
			},
		},
	}
	connect = wire.AppendConnect(nil, &c)
	subscribe = wire.Append(nil, &packets.Subscribe{PacketID: 1, Properties: &packets.Properties{}, Subscriptions: []packets.SubOptions{
		{Topic: "cmnd/" + id + "/#", QoS: 1, RetainHandling: packets.RetainDoNotSend},
		{Topic: "will/seen/" + id, QoS: 1, RetainHandling: packets.RetainDoNotSend},
	}}, wire.V5)
	return connect, subscribe
}
