import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Starts one run of homefleet for a suite, and asks its control port. */
final class Home implements AutoCloseable {
  final String broker;
  private final Process process;
  private final Path folder;
  private final String url;
  private final String token;
  private final HttpClient http = HttpClient.newHttpClient();

  Home() throws Exception {
    folder = Files.createTempDirectory("homefleet");
    var file = folder.resolve("ready.json");
    process = new ProcessBuilder(System.getenv().getOrDefault("HOMEFLEET", "homefleet"), "run",
        System.getProperty("scenario"), "-q", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0",
        "--ready-file", file.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    while (!Files.exists(file)) {
      assertTrue(process.isAlive(), "homefleet ended before it was ready");
      Thread.sleep(10);
    }
    var ready = Files.readString(file);
    broker = find("\"broker\":\"([^\"]+)\"", ready);
    url = find("\"url\":\"([^\"]+)\"", ready);
    token = find("\"token\":\"([^\"]+)\"", ready);
  }

  private static String find(String pattern, String text) {
    var found = Pattern.compile(pattern).matcher(text);
    assertTrue(found.find(), text);
    return found.group(1);
  }

  String post(String path, String json) throws Exception {
    var reply = http.send(HttpRequest.newBuilder(URI.create(url + path))
        .header("Authorization", "Bearer " + token).header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(json)).build(), HttpResponse.BodyHandlers.ofString());
    assertEquals(200, reply.statusCode(), reply.body());
    return reply.body();
  }

  /** As the scenario has it: for tests that share a run. */
  void reset() throws Exception {
    post("/v1/actions/reset", "{\"select\": {\"all\": true}}");
  }

  void waitFor(String device, String until) throws Exception {
    var said = post("/v1/wait",
        "{\"select\": {\"id\": \"" + device + "\"}, \"until\": " + until + ", \"timeout\": \"5s\"}");
    assertTrue(said.contains("\"met\":true"), said);
  }

  @Override
  public void close() throws Exception {
    new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
    assertEquals(0, process.waitFor());
    Files.deleteIfExists(folder.resolve("ready.json"));
    Files.delete(folder);
  }
}
