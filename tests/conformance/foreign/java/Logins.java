import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLEncoder;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.Properties;

/** Who may connect, and how the connection looks. */
final class Logins {
  private Logins() {}

  static void report(Report report, Nodes nodes) {
    String url = nodes.url("node");
    report.scenario("login by properties", () -> whoAmI(url, nodes.login()));
    report.scenario("login in the URL", () -> whoAmI(url + credentials(nodes), new Properties()));
    report.scenario("login by token", () -> whoAmI(url, token(nodes.argument("token"))));
    report.scenario(
        "token of another node", () -> whoAmI(nodes.url("other"), token(nodes.argument("token"))));
    report.scenario("wrong password", () -> refused(url, nodes.login("password", "not this one")));
    report.scenario("wrong token", () -> refused(url, token("not.a.token")));
    report.scenario("no login", () -> refused(url, new Properties()));
    report.scenario(
        "nobody there",
        () -> refused("jdbc:arrow-flight-sql://127.0.0.1:1?useEncryption=false", nodes.login()));
    report.scenario("a closed connection", () -> closed(nodes));
  }

  private static String credentials(Nodes nodes) {
    return "&user="
        + URLEncoder.encode(nodes.argument("user"), UTF_8)
        + "&password="
        + URLEncoder.encode(nodes.argument("password"), UTF_8).replace("+", "%20");
  }

  private static Properties token(String token) {
    Properties properties = new Properties();
    properties.setProperty("token", token);
    return properties;
  }

  private static Object whoAmI(String url, Properties properties) throws Exception {
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      return Report.record(
          "answer", Nodes.query(connection, "SELECT 42"),
          "valid", connection.isValid(5),
          "read only", connection.isReadOnly(),
          "auto commit", connection.getAutoCommit());
    }
  }

  private static Object refused(String url, Properties properties) throws Exception {
    return Report.failure(() -> whoAmI(url, properties));
  }

  private static Object closed(Nodes nodes) throws Exception {
    Connection connection = nodes.connect();
    connection.close();
    connection.close();
    return Report.record("closed", connection.isClosed(), "valid", connection.isValid(1));
  }
}
