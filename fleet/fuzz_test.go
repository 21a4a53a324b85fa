package fleet

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/wire"
)

// FuzzSession plays a broker that sends anything at all after its CONNACK and
// SUBACK. The device never panics, stops when it is told to, and leaves no
// goroutine behind (the bubble would not end).
func FuzzSession(f *testing.F) {
	command := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("ON"), QoS: 1, PacketID: 7}
	command.Props.ResponseTopic, command.Props.CorrelationData = []byte("phone"), []byte{0, 1}
	f.Add(wire.AppendPublish(nil, &command, wire.V5))
	f.Add([]byte{0xd0, 0, 0x40, 2, 0, 1, 0x50, 2, 0, 2, 0x62, 2, 0, 3, 0x70, 2, 0, 4})
	f.Add([]byte{0xe0, 2, 0x8b, 0})
	f.Add([]byte{0x20, 3, 0, 0, 0, 0x90, 4, 0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, garbage []byte) {
		synctest.Test(t, func(t *testing.T) {
			l := ListenInMemory()
			defer l.Close()
			fleet, err := New(scenarioOf(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\ntelemetry = \"1h\"\n"), Options{Dial: l.Dial})
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- fleet.Run(context.Background()) }()
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			go io.Copy(io.Discard, conn) // what the device says is read and forgotten
			conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
			conn.Write([]byte{0x20, 3, 0, 0, 0, 0x90, 4, 0, 1, 0, 1})
			conn.Write(garbage)
			conn.Close()
			fleet.Stop()
			select {
			case <-ended:
			case <-time.After(20 * time.Second):
				t.Fatal("the fleet does not stop")
			}
		})
	})
}
