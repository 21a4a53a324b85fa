package cmd

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"homefleet/fleet/requester"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// permitPatience bounds how long it is tried whether somebody may send commands.
const permitPatience = 2 * time.Second

// mayAsk reports whether the user as whom the devices connect to a broker elsewhere may be a
// requester there, too, which nobody knows but the broker: a message is sent to where a
// device would be commanded whose id no device has, and the broker says whether that is
// allowed (MQTT 5.0, 3.4.2.1). Where it does not say, it is taken to be.
func (r *running) mayAsk(d *scenarios.Device, command string) bool {
	nobody := "homefleet-try-" + r.id
	topic := strings.Replace(command, d.ID, nobody, 1)
	if r.embedded != nil || r.sc.Broker.Username == "" || topic == command || r.sc.Speaks311("") {
		return true
	}
	v := d.Vars(r.id)
	if _, _, own := v.Login(); own {
		return true
	}
	config := requester.Config{
		Dial: r.dial, Broker: r.url, ClientID: nobody, QoS: 1, Username: r.sc.Broker.Username.Expand(v),
		Log: slog.New(slog.DiscardHandler), Patience: permitPatience, Message: func(*wire.Publish) {},
		ResponseTopic: func(information, clientID string) string {
			topic, _ := new(request).responseTopicOf(information, clientID)
			return topic
		},
	}
	if r.sc.Broker.Password != (scenarios.Secret{}) {
		password, err := r.secret(r.sc.Broker.Password, v)
		if err != nil {
			return true
		}
		config.Password = password
	}
	ctx, cancel := context.WithTimeout(context.Background(), permitPatience)
	defer cancel()
	phone, err := requester.Connect(ctx, config)
	if err != nil {
		return false
	}
	defer phone.Close()
	code := make(chan byte, 1)
	m := &wire.Publish{Topic: []byte(topic), QoS: 1}
	m.Props.HasMessageExpiry, m.Props.MessageExpiry = true, 1
	phone.Publish(m, func(c byte, _ string) { code <- c })
	select {
	case c := <-code:
		return c < 0x80
	case <-phone.Gone(): // some brokers end the connection
		return false
	case <-ctx.Done():
		return true
	}
}
