import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The least of MQTT 5.0 that the phone needs, as no package of Debian speaks it in Java: CONNECT, SUBSCRIBE at QoS 0, PUBLISH at
 * QoS 0 both ways. An app has a client library here.
 */
final class Mqtt5 implements AutoCloseable {
  /** A message that has come; the two properties are null where it had none. */
  record Message(String topic, String payload, String responseTopic, byte[] correlation) {}

  interface Listener {
    void heard(Message message);
  }

  private static final int RESPONSE_TOPIC = 0x08; // identifiers of properties, section 2.2.2.2
  private static final int CORRELATION_DATA = 0x09;

  private final Socket socket;
  private final DataInputStream in;
  private final DataOutputStream out;
  private final Thread reader;
  private final CountDownLatch subscribed = new CountDownLatch(1);

  Mqtt5(String clientId, String broker, Listener listener, String... filters) throws Exception {
    var url = URI.create(broker);
    socket = new Socket(url.getHost(), url.getPort());
    socket.setTcpNoDelay(true);
    in = new DataInputStream(socket.getInputStream());
    out = new DataOutputStream(socket.getOutputStream());

    var connect = new Packet();
    connect.text("MQTT").bytes(5, 0x02, 0, 0, 0); // version, Clean Start, Keep Alive off, no properties
    connect.text(clientId);
    send(0x10, connect);
    var connack = read();
    if (connack.type != 2 || connack.body.get(1) != 0) {
      throw new IOException("the broker refuses " + clientId + " with reason code " + connack.body.get(1));
    }

    var subscribe = new Packet();
    subscribe.bytes(0, 1, 0); // Packet Identifier 1, no properties
    for (var filter : filters) {
      subscribe.text(filter).bytes(0);
    }
    send(0x82, subscribe);
    reader = new Thread(() -> listen(listener), clientId);
    reader.start();
    if (!subscribed.await(5, TimeUnit.SECONDS)) {
      throw new IOException("the broker does not acknowledge the subscription");
    }
  }

  void request(String topic, String payload, String responseTopic, byte[] correlation) throws IOException {
    var properties = new Packet();
    properties.bytes(RESPONSE_TOPIC).text(responseTopic).bytes(CORRELATION_DATA).data(correlation);
    var publish = new Packet();
    publish.text(topic).length(properties.size()).raw(properties.toByteArray()).raw(payload.getBytes(StandardCharsets.UTF_8));
    send(0x30, publish);
  }

  @Override
  public void close() throws Exception {
    send(0xe0, new Packet());
    socket.close();
    reader.join(5000);
  }

  private synchronized void send(int first, Packet body) throws IOException {
    var packet = new Packet();
    packet.bytes(first).length(body.size()).raw(body.toByteArray());
    out.write(packet.toByteArray());
    out.flush();
  }

  private void listen(Listener listener) {
    try {
      while (true) {
        var packet = read();
        if (packet.type == 9) {
          subscribed.countDown();
        } else if (packet.type == 3) {
          listener.heard(message(packet.body));
        }
      }
    } catch (IOException closed) {
      // By close, or by the broker: then what is waited for does not come, and the test says so.
    }
  }

  private record Received(int type, ByteBuffer body) {}

  private Received read() throws IOException {
    int first = in.readUnsignedByte();
    int length = 0;
    for (int shift = 0, part = 0x80; (part & 0x80) != 0; shift += 7) {
      part = in.readUnsignedByte();
      length |= (part & 0x7f) << shift;
    }
    return new Received(first >> 4, ByteBuffer.wrap(in.readNBytes(length)));
  }

  private static Message message(ByteBuffer body) throws IOException {
    var topic = new String(data(body), StandardCharsets.UTF_8);
    String responseTopic = null;
    byte[] correlation = null;
    int properties = variable(body);
    for (int end = body.position() + properties; body.position() < end; ) {
      switch (body.get()) {
        case RESPONSE_TOPIC -> responseTopic = new String(data(body), StandardCharsets.UTF_8);
        case CORRELATION_DATA -> correlation = data(body);
        case 0x01 -> body.get(); // Payload Format Indicator
        case 0x02 -> body.getInt(); // Message Expiry Interval
        case 0x03 -> data(body); // Content Type
        case 0x0b -> variable(body); // Subscription Identifier
        case 0x26 -> { // User Property
          data(body);
          data(body);
        }
        default -> throw new IOException("a property that this client does not know");
      }
    }
    var payload = new byte[body.remaining()];
    body.get(payload);
    return new Message(topic, new String(payload, StandardCharsets.UTF_8), responseTopic, correlation);
  }

  private static byte[] data(ByteBuffer from) {
    var bytes = new byte[Short.toUnsignedInt(from.getShort())];
    from.get(bytes);
    return bytes;
  }

  private static int variable(ByteBuffer from) {
    int value = 0;
    for (int shift = 0, part = 0x80; (part & 0x80) != 0; shift += 7) {
      part = from.get();
      value |= (part & 0x7f) << shift;
    }
    return value;
  }

  /** Bytes of a packet in the forms of section 1.5. */
  private static final class Packet extends ByteArrayOutputStream {
    Packet bytes(int... values) {
      for (int value : values) {
        write(value);
      }
      return this;
    }

    Packet raw(byte[] values) {
      write(values, 0, values.length);
      return this;
    }

    Packet data(byte[] values) {
      return bytes(values.length >> 8, values.length).raw(values);
    }

    Packet text(String value) {
      return data(value.getBytes(StandardCharsets.UTF_8));
    }

    Packet length(int value) {
      for (; value >= 0x80; value >>= 7) {
        write(value | 0x80);
      }
      return bytes(value);
    }
  }
}
