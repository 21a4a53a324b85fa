import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** The app under test: a phone that switches lights by MQTT 5 requests, and shows what it knows of them. */
final class Phone implements AutoCloseable {
  private static final int TRIES = 5;
  private static final int ANSWER_WITHIN = 500; // milliseconds for each try

  private final String answers;
  private final Mqtt5 client;
  private final AtomicInteger number = new AtomicInteger();
  private final AtomicInteger sent = new AtomicInteger(); // requests, repeats included
  private final Map<ByteBuffer, CompletableFuture<String>> waiting = new ConcurrentHashMap<>(); // by Correlation Data
  private final Map<String, String> shown = new HashMap<>(); // device -> "on", "off", "online", "offline"

  Phone(String name, String broker) throws Exception {
    answers = "phones/" + name + "/answers";
    client = new Mqtt5(name, broker, this::heard, answers, "state/+/power", "tele/+/lwt");
  }

  /** Switches a light, asks again where no answer comes, and returns what the light says it is now. */
  String turn(String device, String to) throws Exception {
    return command(device, "power", to);
  }

  String command(String device, String attribute, String value) throws Exception {
    for (int tries = 0; tries < TRIES; tries++) {
      // A new number each time: an answer that comes late must not be taken for that of the next try.
      var correlation = ByteBuffer.allocate(4).putInt(0, number.incrementAndGet());
      var answer = new CompletableFuture<String>();
      waiting.put(correlation, answer);
      try {
        client.request("cmnd/" + device + "/" + attribute, value, answers, correlation.array());
        sent.incrementAndGet();
        return answer.get(ANSWER_WITHIN, TimeUnit.MILLISECONDS);
      } catch (TimeoutException again) {
        // The next try.
      } finally {
        waiting.remove(correlation);
      }
    }
    throw new TimeoutException(device + " did not answer " + TRIES + " requests");
  }

  int sent() {
    return sent.get();
  }

  synchronized boolean waitUntilItShows(String device, String what) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (!what.equals(shown.get(device))) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }

  private void heard(Mqtt5.Message message) {
    if (message.topic().equals(answers)) {
      var answer = message.correlation() == null ? null : waiting.get(ByteBuffer.wrap(message.correlation()));
      if (answer != null) {
        answer.complete(message.payload());
      }
      return;
    }
    var parts = message.topic().split("/");
    synchronized (this) {
      if (parts[2].equals("power")) {
        shown.put(parts[1], message.payload().toLowerCase());
      } else if (message.payload().equals("Offline")) {
        shown.put(parts[1], "offline");
      } else {
        shown.replace(parts[1], "offline", "online");
      }
      notifyAll();
    }
  }

  @Override
  public void close() throws Exception {
    client.close();
  }
}
