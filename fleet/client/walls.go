package client

import (
	"errors"
	"io"
	"slices"
	"syscall"

	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// wallOf says which limit a connection has run into, and what to do about it; ""
// where it is none that is known.
func wallOf(e *DeviceError) string {
	refused, isRefusal := errors.AsType[*RefusedError](e.Err)
	switch {
	case errors.Is(e.Err, syscall.EMFILE), errors.Is(e.Err, syscall.ENFILE):
		return "no file descriptor is left: `ulimit -n` shows and raises how many this process may open, and several processes have as many each"
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return "no port is left on this side for one more connection to that port of the broker: --source-addr names further addresses to come from"
	case errors.Is(e.Err, syscall.ENOMEM), errors.Is(e.Err, syscall.ENOBUFS):
		return "the system has no memory left for one more connection"
	case isRefusal && refused.Packet == "" && (refused.Code == wire.QuotaExceeded || refused.Code == wire.ServerBusy):
		return "it has as many clients as it may have, it seems: see its limit of connections or sessions"
	case isRefusal && refused.Packet == "" && refused.Code == wire.ConnectionRateExceeded:
		return "it takes fewer connections a second: see `rate` in [connect]"
	case e.Err == io.EOF && e.Doing == WaitingForConnack:
		return "brokers do that without a word when they are at their limit of connections (Mosquitto: max_connections, or its own file descriptors)"
	}
	return ""
}

// ForeignError says that something else than MQTT is spoken at a broker's address.
type ForeignError struct {
	Speaks string // see [transport.Foreign]
}

func (e *ForeignError) Error() string {
	return "it speaks " + e.Speaks + ", and not MQTT"
}

// foreign tells by the first bytes of a connection, of which a chunk has come now, that
// something else is spoken there. A slow network may bring them one by one: undecided is that
// a few more are wanted first.
func (s *Session) foreign(chunk []byte) (undecided bool, err error) {
	first := chunk
	if begun := s.link.framer.Begun(); len(begun) > 0 {
		first = append(slices.Clip(begun), chunk...)
	}
	if speaks := transport.Foreign(first); speaks != "" {
		s.counts().BadPackets.Add(1)
		return false, s.fail(WaitingForConnack, &ForeignError{speaks})
	}
	if transport.MayBeForeign(first) {
		s.link.framer.Hold(chunk)
		return true, nil
	}
	return false, nil
}

// WaitingForConnack is what a session does whose CONNECT is not answered yet.
const WaitingForConnack = "waiting for CONNACK from"
