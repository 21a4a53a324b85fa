import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Four things that go wrong in apps, and that need a device to go wrong first. */
class PhoneTest {
  static Home home;
  Phone phone;

  @BeforeAll
  static void start() throws Exception {
    home = new Home();
  }

  @AfterAll
  static void stop() throws Exception {
    home.close();
  }

  @BeforeEach
  void connect() throws Exception {
    home.reset();
    phone = new Phone("anna", home.broker);
  }

  @AfterEach
  void disconnect() throws Exception {
    phone.close();
  }

  @Test
  void switches() throws Exception {
    assertEquals("ON", phone.turn("porch", "ON"));
    home.waitFor("porch", "{\"values\": {\"power\": \"ON\"}}");
    assertTrue(phone.waitUntilItShows("porch", "on"));
  }

  @Test
  void aDeviceDiesAndTheAppShowsIt() throws Exception {
    home.post("/v1/actions/kill", "{\"select\": {\"id\": \"porch\"}, \"way\": \"cut\"}");
    assertTrue(phone.waitUntilItShows("porch", "offline"));

    home.post("/v1/actions/revive", "{\"select\": {\"id\": \"porch\"}}");
    assertTrue(phone.waitUntilItShows("porch", "online"));
    assertEquals("ON", phone.turn("porch", "ON"));
  }

  @Test
  void anAnswerIsLostAndTheAppAsksAgain() throws Exception {
    home.post("/v1/actions/misbehave", "{\"select\": {\"id\": \"porch\"}, \"drop\": \"100%\"}");
    var said = later(() -> phone.turn("porch", "ON"));
    home.waitFor("porch", "{\"values\": {\"power\": \"ON\"}}"); // it has obeyed, and does not say so
    home.post("/v1/actions/behave", "{\"select\": {\"id\": \"porch\"}}");

    assertEquals("ON", said.get(10, TimeUnit.SECONDS));
    assertTrue(phone.sent() > 1, "it asked once only");
  }

  @Test
  void twoAppsAtOnce() throws Exception {
    try (var other = new Phone("ben", home.broker)) {
      // Whose answer it is, Response Topic and Correlation Data say; the last value is not the point.
      var both = List.of(dims(phone, "40"), dims(other, "60"));
      for (var app : both) {
        app.get(20, TimeUnit.SECONDS);
      }
    }
  }

  private static CompletableFuture<Void> dims(Phone app, String level) {
    return later(() -> {
      for (int i = 0; i < 50; i++) {
        assertEquals(level, app.command("hall", "brightness", level));
      }
      return null;
    });
  }

  private static <T> CompletableFuture<T> later(Callable<T> task) {
    return CompletableFuture.supplyAsync(() -> {
      try {
        return task.call();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    });
  }
}
