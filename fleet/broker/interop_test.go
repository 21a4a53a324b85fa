package broker

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// TestPaho is the request and response of section 4.10 with paho.golang.
func TestPaho(t *testing.T) {
	users := []User{{Name: "alice", Password: "pw", Subscribe: []string{}, ResponseInformation: "users/{user}/{client}"}, {Name: "dev", Password: "pw"}}
	_, addr := listen(t, Config{Users: users}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	open := func(id, user string, got func(*paho.Client, *paho.Publish)) (*paho.Client, *paho.Connack) {
		t.Helper()
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c := paho.NewClient(paho.ClientConfig{ClientID: id, Conn: nc, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) { got(p.Client, p.Packet); return true, nil },
		}})
		a, err := c.Connect(ctx, &paho.Connect{
			ClientID: id, KeepAlive: 30, CleanStart: true, UsernameFlag: true, Username: user, PasswordFlag: true, Password: []byte("pw"),
			Properties: &paho.ConnectProperties{RequestResponseInfo: true, RequestProblemInfo: true, ReceiveMaximum: new(uint16(20))},
		})
		if err != nil {
			t.Fatalf("Connect(%s) = %v; want nil", id, err)
		}
		return c, a
	}
	answered := make(chan struct{}, 3)
	light, _ := open("light", "dev", func(c *paho.Client, p *paho.Publish) {
		go func() { // a handler may not publish at QoS 1 itself
			_, err := c.Publish(ctx, &paho.Publish{Topic: p.Properties.ResponseTopic, QoS: 1, Payload: p.Payload,
				Properties: &paho.PublishProperties{CorrelationData: p.Properties.CorrelationData}})
			if err != nil {
				t.Errorf("the answer: %v; want no error", err)
			}
			answered <- struct{}{}
		}()
	})
	if _, err := light.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "cmnd/light/#", QoS: 1}}}); err != nil {
		t.Fatal(err)
	}
	answers := make(chan *paho.Publish, 10)
	phone, a := open("phone", "alice", func(_ *paho.Client, p *paho.Publish) { answers <- p })
	if a.Properties.ResponseInfo != "users/alice/phone" {
		t.Fatalf("Response Information = %q; want users/alice/phone", a.Properties.ResponseInfo)
	}
	topic := a.Properties.ResponseInfo + "/answers"
	if s, err := phone.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "#"}}}); err == nil || s.Reasons[0] != 0x87 {
		t.Errorf("Subscribe(#) = %v, %v; want reason 0x87", s, err)
	}
	if _, err := phone.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 2}}}); err != nil {
		t.Fatal(err)
	}
	for qos := range byte(3) {
		id := []byte{0, 0xff, qos}
		_, err := phone.Publish(ctx, &paho.Publish{Topic: "cmnd/light/power", QoS: qos, Payload: []byte("ON"),
			Properties: &paho.PublishProperties{ResponseTopic: topic, CorrelationData: id}})
		if err != nil {
			t.Fatalf("Publish at QoS %d = %v; want nil", qos, err)
		}
		select {
		case p := <-answers:
			if p.Topic != topic || string(p.Payload) != "ON" || !bytes.Equal(p.Properties.CorrelationData, id) {
				t.Errorf("the answer = %v; want ON on %s with %x", p, topic, id)
			}
		case <-ctx.Done():
			t.Fatal("no answer within 20 s; want one")
		}
	}
	for range 3 {
		<-answered
	}
	for _, c := range []*paho.Client{light, phone} {
		if err := c.Disconnect(&paho.Disconnect{}); err != nil {
			t.Errorf("Disconnect() = %v; want nil", err)
		}
	}
}

// paho resumes its session over a new connection: what waited comes, in order.
// What it had not acknowledged when it was kicked comes again, before that.
func TestPahoResume(t *testing.T) {
	b, addr := listen(t, Config{}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got := make(chan string, 100)
	var c *paho.Client
	for i := range 4 {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c = paho.NewClient(paho.ClientConfig{ClientID: "again", Conn: nc, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) { got <- string(p.Packet.Payload); return true, nil },
		}})
		a, err := c.Connect(ctx, &paho.Connect{ClientID: "again", KeepAlive: 30, CleanStart: i == 0,
			Properties: &paho.ConnectProperties{SessionExpiryInterval: new(uint32(60)), ReceiveMaximum: new(uint16(2)), RequestProblemInfo: true}})
		if err != nil || a.SessionPresent != (i > 0) {
			t.Fatalf("Connect() = %+v, %v; want Session Present %v", a, err, i > 0)
		}
		if i == 0 {
			if _, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "a", QoS: 2}}}); err != nil {
				t.Fatal(err)
			}
		} else {
			for j := range 6 {
				want := fmt.Sprint(i, " ", j)
				for m := ""; m != want; {
					select {
					case m = <-got:
						if m > want || m < want && j > 0 {
							t.Fatalf("message = %s; want %s", m, want)
						}
					case <-ctx.Done():
						t.Fatalf("message %s did not come within 20 s", want)
					}
				}
			}
		}
		if !b.Kick("again", 0x89) {
			t.Fatal("Kick(again) = false; want true")
		}
		<-c.Done()
		p, _ := connect(t, b, connectV5("p"))
		for j := range 6 {
			qos := 1 + j%2
			p.exchange(pub5(qos<<1, "a", 1+j, props(), fmt.Sprint(i+1, " ", j)), ack(0x30+0x10*qos, 1+j))
		}
	}
}

// mosquitto returns a function that runs one of Mosquitto's clients against an
// address, and skips the test where they are not installed.
func mosquitto(t *testing.T, addr string) func(name string, args ...string) *exec.Cmd {
	t.Helper()
	for _, name := range []string{"mosquitto_pub", "mosquitto_sub", "mosquitto_rr"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("HOMEFLEET_INTEROP") == "1" {
				t.Fatalf("%s is not installed, and HOMEFLEET_INTEROP=1 says that it must be", name)
			}
			t.Skipf("%s is not installed; install Mosquitto's clients for this test (HOMEFLEET_INTEROP=1 makes it a failure)", name)
		}
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return func(name string, args ...string) *exec.Cmd {
		return exec.CommandContext(t.Context(), name, append([]string{"-h", host, "-p", port}, args...)...)
	}
}

func output(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Errorf("%v: %v, %s; want success", c.Args[1:], err, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// subscribed waits until the broker has n subscriptions.
func subscribed(t *testing.T, b *Broker, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); b.Stats().Subscriptions < n; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("Subscriptions = %d after a minute; want %d", b.Stats().Subscriptions, n)
		}
	}
}

func TestMosquittoPubSub(t *testing.T) {
	b, addr := listen(t, Config{}, nil)
	run := mosquitto(t, addr)
	versions := []string{"mqttv5", "mqttv311", "mqttv31"}
	for i, sv := range versions {
		for j, pv := range versions {
			topic := fmt.Sprintf("m/%d/%d", i, j)
			sub := run("mosquitto_sub", "-V", sv, "-q", "2", "-C", "3", "-W", "20", "-F", "%t %q %p", "-t", topic, "-i", fmt.Sprint("sub", i, j))
			var out bytes.Buffer
			sub.Stdout = &out
			if err := sub.Start(); err != nil {
				t.Fatal(err)
			}
			subscribed(t, b, 1)
			for qos := range 3 {
				output(t, run("mosquitto_pub", "-V", pv, "-q", fmt.Sprint(qos), "-t", topic, "-m", fmt.Sprint("hello ", qos)))
			}
			if err := sub.Wait(); err != nil {
				t.Errorf("mosquitto_sub %s from %s: %v; want success", sv, pv, err)
			}
			if want := fmt.Sprintf("%[1]s 0 hello 0\n%[1]s 1 hello 1\n%[1]s 2 hello 2\n", topic); out.String() != want {
				t.Errorf("mosquitto_sub %s from %s = %q; want %q", sv, pv, &out, want)
			}
			for b.Stats().Subscriptions > 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}
}

func TestMosquittoRequestResponse(t *testing.T) {
	b, addr := listen(t, Config{}, nil)
	run := mosquitto(t, addr)
	light, _ := connect(t, b, connectV5("light"))
	light.subscribe("cmnd/light/power", 1)
	rr := run("mosquitto_rr", "-V", "mqttv5", "-t", "cmnd/light/power", "-e", "state/light/power", "-m", "ON", "-W", "20",
		"-D", "publish", "correlation-data", "0123", "-D", "publish", "user-property", "k", "v", "-F", "%t %p %D", "-q", "1")
	var out bytes.Buffer
	rr.Stdout = &out
	if err := rr.Start(); err != nil {
		t.Fatal(err)
	}
	m := light.publication()
	if want := enc(8, "state/light/power", 9, "0123", 0x26, "k", "v"); m.payload != "ON" || string(m.props) != string(want) {
		t.Errorf("the request = %+v; want ON with %x", m, []byte(want))
	}
	light.send(ack(0x40, m.id), pub5(2, "state/light/power", 1, props(9, "0123"), "ON"))
	if err := rr.Wait(); err != nil {
		t.Errorf("mosquitto_rr: %v; want success", err)
	}
	if want := "state/light/power ON 0123\n"; out.String() != want {
		t.Errorf("mosquitto_rr = %q; want %q", &out, want)
	}
}

// A Will of a client that is killed, with everything it has; a retained message;
// a session that waits.
func TestMosquittoWillRetainSession(t *testing.T) {
	b, addr := listen(t, Config{}, nil)
	run := mosquitto(t, addr)
	victim := run("mosquitto_sub", "-V", "mqttv5", "-t", "x", "-k", "10", "--will-topic", "w", "--will-payload", "Offline", "--will-qos", "1", "--will-retain",
		"-D", "will", "response-topic", "r/t", "-D", "will", "correlation-data", "c0", "-D", "will", "content-type", "text", "-D", "will", "user-property", "k", "v")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	subscribed(t, b, 1)
	watcher, _ := connect(t, b, connectV5("watcher"))
	watcher.subscribe("w", 1)
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed
	m := watcher.publication()
	if want := enc(3, "text", 8, "r/t", 9, "c0", 0x26, "k", "v"); m.payload != "Offline" || string(m.props) != string(want) {
		t.Errorf("the will = %+v; want Offline with %x", m, []byte(want))
	}
	if got := output(t, run("mosquitto_sub", "-V", "mqttv5", "-t", "w/#", "-C", "1", "-W", "20", "-F", "%r %p %R %D")); got != "1 Offline r/t c0" {
		t.Errorf("the retained will = %q; want %q", got, "1 Offline r/t c0")
	}
	session := func(version, count string) *exec.Cmd {
		args := []string{"-V", version, "-c", "-i", "waits", "-q", "1", "-t", "q", "-W", "20"}
		if version == "mqttv5" {
			args = append(args, "-x", "100")
		}
		if count == "" {
			return run("mosquitto_sub", append(args, "-E")...)
		}
		return run("mosquitto_sub", append(args, "-C", count)...)
	}
	for _, version := range []string{"mqttv5", "mqttv311"} {
		output(t, session(version, ""))
		for i := range 3 {
			output(t, run("mosquitto_pub", "-V", version, "-t", "q", "-q", "1", "-m", fmt.Sprint(i)))
		}
		if got := output(t, session(version, "3")); got != "0\n1\n2" {
			t.Errorf("%s: what waited = %q; want %q", version, got, "0\n1\n2")
		}
	}
	refusing, addr := listen(t, Config{Users: []User{{Name: "a", Password: "right"}}}, nil)
	run = mosquitto(t, addr)
	if out, err := run("mosquitto_pub", "-V", "mqttv5", "-u", "a", "-P", "wrong", "-t", "x", "-m", "x").CombinedOutput(); err == nil {
		t.Errorf("mosquitto_pub with a wrong password = %q; want an error", out)
	}
	output(t, run("mosquitto_pub", "-V", "mqttv5", "-u", "a", "-P", "right", "-t", "x", "-m", "x", "-q", "2"))
	if s := refusing.Stats(); s.MessagesIn != 1 || s.Refused != 1 {
		t.Errorf("MessagesIn = %d, Refused = %d; want 1, 1", s.MessagesIn, s.Refused)
	}
}
