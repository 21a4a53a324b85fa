package broker

import (
	"context"
	"fmt"
	"net"
	"testing"
)

func benchBroker(b *testing.B) *Broker {
	br, err := New(Config{Anonymous: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = br.Close() })
	return br
}

func benchClient(b *testing.B, nc net.Conn, err error, packets ...raw) *client {
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = nc.Close() })
	c := &client{nc: nc}
	for _, p := range packets {
		if _, err := nc.Write(p); err != nil {
			b.Fatal(err)
		}
		if _, err := c.next(); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// benchRead reads whole packets of known length into a buffer.
func benchRead(b *testing.B, nc net.Conn, buf []byte) {
	for n := 0; n < len(buf); {
		k, err := nc.Read(buf[n:])
		if err != nil {
			b.Fatal(err)
		}
		n += k
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	for _, transport := range []string{"memory", "tcp"} {
		for qos := range 2 {
			b.Run(fmt.Sprintf("%s/qos%d", transport, qos), func(b *testing.B) {
				br := benchBroker(b)
				dial := func() (net.Conn, error) { return br.Dial(context.Background()) }
				if transport == "tcp" {
					l, err := net.Listen("tcp", "127.0.0.1:0")
					if err != nil {
						b.Fatal(err)
					}
					go func() { _ = br.Serve(l) }()
					dial = func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }
				}
				nc, err := dial()
				s := benchClient(b, nc, err, connectV5("s"), sub5(1, "bench/topic", qos))
				nc, err = dial()
				p := benchClient(b, nc, err, connectV5("p"))
				out := pub5(qos<<1, "bench/topic", 1, props(), "payload of 32 bytes, more or less")
				in := make([]byte, len(out))
				puback := make([]byte, 4)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := p.nc.Write(out); err != nil {
						b.Fatal(err)
					}
					benchRead(b, s.nc, in)
					if qos == 1 {
						copy(puback, []byte{0x40, 2, in[2+2+11], in[2+2+12]})
						if _, err := s.nc.Write(puback); err != nil {
							b.Fatal(err)
						}
						benchRead(b, p.nc, puback)
					}
				}
			})
		}
	}
}

// BenchmarkStream publishes without waiting, as fast as one subscriber takes it.
func BenchmarkStream(b *testing.B) {
	br := benchBroker(b)
	nc, err := br.Dial(context.Background())
	s := benchClient(b, nc, err, connectV5("s"), sub5(1, "bench/topic", 0))
	nc, err = br.Dial(context.Background())
	p := benchClient(b, nc, err, connectV5("p"))
	out := pub5(0, "bench/topic", 0, props(), "payload of 32 bytes, more or less")
	const batch = 100
	var many []byte
	for range batch {
		many = append(many, out...)
	}
	in := make([]byte, len(many))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.nc.Write(many); err != nil {
			b.Fatal(err)
		}
		benchRead(b, s.nc, in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/message")
}

func BenchmarkFanOut(b *testing.B) {
	br := benchBroker(b)
	const n = 1000
	var subs []*client
	for i := range n {
		nc, err := br.Dial(context.Background())
		subs = append(subs, benchClient(b, nc, err, connectV5(fmt.Sprint("s", i)), sub5(1, "bench/topic", 0)))
	}
	nc, err := br.Dial(context.Background())
	p := benchClient(b, nc, err, connectV5("p"))
	out := pub5(0, "bench/topic", 0, props(), "payload of 32 bytes, more or less")
	in := make([]byte, len(out))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.nc.Write(out); err != nil {
			b.Fatal(err)
		}
		for _, s := range subs {
			benchRead(b, s.nc, in)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/message")
}

func BenchmarkConnect(b *testing.B) {
	br := benchBroker(b)
	in := connectV5("c")
	b.ReportAllocs()
	for b.Loop() {
		nc, err := br.Dial(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		c := &client{nc: nc}
		_, _ = nc.Write(in)
		if _, err := c.next(); err != nil {
			b.Fatal(err)
		}
		_, _ = nc.Write(disconnect)
		_, _ = c.next()
		_ = nc.Close()
	}
}
