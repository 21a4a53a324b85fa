package cmd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"homefleet/fleet"
	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// Questions about a port that something else answers on than was expected.
const (
	noTLSHint       = "does that port speak TLS? mqtts is usually on port 8883, and plain mqtt:// on 1883"
	noWebSocketHint = "does that port speak WebSocket? MQTT without it is mqtt://, or mqtts:// with TLS"
	notPlainHint    = "does that port speak TLS or WebSocket? Those are mqtts://, ws:// and wss://"
)

// brokerHint knows what to do about some faults of a connection to an address; ""
// is that it does not.
func brokerHint(err error, address string) string {
	if refused, ok := errors.AsType[*fleet.RefusedError](err); ok {
		return refusalHint(refused)
	}
	if moved, ok := errors.AsType[*transport.RedirectError](err); ok {
		if moved.Location == "" {
			return ""
		}
		return "--broker names another broker, if that one is to be trusted"
	}
	if foreign, ok := errors.AsType[*fleet.ForeignError](err); ok {
		return foreignHint(foreign.Speaks, address)
	}
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if speaks := transport.Foreign(header.RecordHeader[:]); speaks != "" {
			return "something speaks " + speaks + " there, and no TLS: " + foreignHint(speaks, address)
		}
	}
	text := err.Error()
	_, isNet := errors.AsType[*net.OpError](err)
	_, unknownCA := errors.AsType[x509.UnknownAuthorityError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, otherName := errors.AsType[x509.HostnameError](err)
	switch {
	case unknownCA:
		return "--ca-file FILE names the CA to trust"
	case isInvalid && invalid.Reason == x509.Expired:
		return "the broker needs a new certificate, or this machine's clock is wrong; --insecure accepts any"
	case isInvalid:
		return "the broker needs another certificate; --insecure accepts any"
	case otherName:
		return "--broker with a name that is in the certificate, or server_name in the scenario's [broker]"
	case strings.Contains(text, "tls: bad certificate") || strings.Contains(text, "certificate required"):
		return "--cert-file and --key-file name the client's certificate"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "is a broker running there? `homefleet broker` starts one"
	case isNet && strings.Contains(text, "no such host"):
		return "the name has no address; is it spelled right?"
	case strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "does that port speak TLS? WebSocket without it is ws://"
	case strings.Contains(text, "first record does not look like a TLS handshake"),
		strings.Contains(text, "TLS handshake: ") && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)):
		return noTLSHint
	case strings.Contains(text, "does not speak the subprotocol mqtt"):
		return "something serves WebSocket there, but not MQTT; is the path right?"
	case strings.Contains(text, "WebSocket handshake: the server answered 400") && strings.HasPrefix(address, "ws:"):
		return "is the path right, and does that port speak TLS? Then it is wss://"
	case strings.Contains(text, "WebSocket handshake: the server answered"):
		return "is the path right? Most brokers serve MQTT at /mqtt"
	case strings.Contains(text, "WebSocket handshake: ") && !isDial(err):
		return noWebSocketHint
	case isPlain(address) && noConnack(err):
		return notPlainHint
	case strings.Contains(text, "tls: handshake failure") || !isPlain(address) && noConnack(err):
		return certificateHint
	}
	return ""
}

// certificateHint is for a broker that ends a TLS connection and does not say why:
// with TLS 1.3 a missing client certificate shows only after the handshake.
const certificateHint = "does the broker want a client certificate? --cert-file and --key-file name it"

// refusalHint knows what to do about some reason codes.
func refusalHint(refused *fleet.RefusedError) string {
	switch {
	case refused.ServerReference != "":
		return "--broker names another broker"
	case refused.Packet == "SUBACK" && refused.Code == wire.NotAuthorized:
		return "may this user subscribe there? --username, and --password-file or --password-env, say who connects"
	}
	switch refused.Code {
	case wire.BadUserNameOrPassword, wire.NotAuthorized, wire.ClientIDNotValid:
		return "--username, and --password-file or --password-env, say who connects"
	case wire.BadAuthMethod:
		return "the broker wants enhanced authentication (AUTH, MQTT 5.0, 4.12), which homefleet does not speak; it has user name and password, and client certificates"
	case wire.SessionTakenOver:
		return "another client has the same client id; is a second fleet running this scenario on the same broker?"
	}
	return ""
}

// isDial reports whether a connection could not even be opened.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// isPlain reports whether an address is of MQTT over nothing but TCP.
func isPlain(address string) bool {
	return strings.HasPrefix(address, "mqtt:") || strings.HasPrefix(address, "tcp:")
}

// noConnack reports whether something else than a CONNACK came first, or the end
// of the connection.
func noConnack(err error) bool {
	e, ok := errors.AsType[*fleet.DeviceError](err)
	if !ok || isDial(err) {
		return false
	}
	text := e.What()
	return strings.HasPrefix(text, "waiting for CONNACK") || strings.Contains(text, "before a CONNACK") || strings.Contains(text, "the first packet is")
}

// foreignHint says what to do about a port where something else is spoken than MQTT.
func foreignHint(speaks, address string) string {
	secure := strings.HasPrefix(address, "mqtts:") || strings.HasPrefix(address, "wss:")
	switch {
	case speaks == "HTTP" && secure:
		return "MQTT over WebSocket and TLS is wss://, usually with the path /mqtt"
	case speaks == "HTTP":
		return "MQTT over WebSocket is ws://, usually with the path /mqtt"
	case speaks == "TLS":
		return "MQTT over TLS is mqtts://, and wss:// over WebSocket"
	case speaks == "the PROXY protocol":
		return "a proxy sends its header to clients, or is meant for servers alone: is the port one of the broker's own?"
	case speaks == "AMQP":
		return "RabbitMQ speaks MQTT on another port, usually 1883, once its plugin is enabled: `rabbitmq-plugins enable rabbitmq_mqtt`"
	case speaks == "NATS":
		return "NATS speaks MQTT on another port, the one of `mqtt` in its configuration"
	}
	return "is the port right? MQTT is usually on 1883, and with TLS on 8883"
}
