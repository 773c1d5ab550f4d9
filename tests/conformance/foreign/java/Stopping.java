import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Statements that somebody no longer waits for. */
final class Stopping {
  /** A million rows at once, and then each thousand takes the engine a while, for ever. */
  private static final String ENDLESS =
      "SELECT a, CASE WHEN a < 1000000 THEN 0 ELSE list_sum(range(a - a + 20000)) END AS b"
          + " FROM range(1000000000000) t(a)";

  /** Works for ever before its first row. */
  private static final String SILENT =
      "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3";

  private Stopping() {}

  static void report(Report report, Nodes nodes) {
    report.scenario("cancel from another thread", () -> cancel(report, nodes));
    report.scenario("close while running", () -> close(report, nodes));
    report.scenario("query timeout", () -> queryTimeout(nodes));
    report.scenario("statement timeout property", () -> statementTimeout(report, nodes));
  }

  /**
   * Cancels while the reader waits for rows: the driver frees the batch that is being read without
   * asking the thread that reads it.
   */
  private static Object cancel(Report report, Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(ENDLESS)) {
      AtomicLong rows = new AtomicLong();
      Thread canceller = new Thread(() -> cancelAtRest(statement, rows));
      canceller.start();
      Object error = Report.failure(() -> drained(result, rows));
      canceller.join();
      return ended(report, connection, error);
    }
  }

  private static void cancelAtRest(Statement statement, AtomicLong rows) {
    try {
      for (long before = -1; rows.get() != before; Thread.sleep(500)) {
        before = rows.get();
      }
      statement.cancel();
    } catch (SQLException | InterruptedException error) {
      throw new IllegalStateException(error);
    }
  }

  private static Object close(Report report, Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect()) {
      try (Statement statement = connection.createStatement();
          ResultSet result = statement.executeQuery(ENDLESS)) {
        result.next();
      }
      return ended(report, connection, null);
    }
  }

  /**
   * The driver bounds only its wait for a stream's first rows; they are there once it is planned.
   */
  private static Object queryTimeout(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(30);
      try (ResultSet result = statement.executeQuery("SELECT 1")) {
        return Report.record("set", statement.getQueryTimeout(), "rows", Nodes.rows(result));
      }
    }
  }

  private static Object statementTimeout(Report report, Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect("x-flightkeeper-statement-timeout", "500ms")) {
      Object error = Report.failure(() -> Nodes.query(connection, SILENT));
      return ended(report, connection, error);
    }
  }

  private static Map<String, Object> ended(Report report, Connection connection, Object error)
      throws Exception {
    return Report.record(
        "error", error,
        "idle", report.ask("idle"),
        "works afterwards", Nodes.query(connection, "SELECT 1"));
  }

  private static Object drained(ResultSet result, AtomicLong rows) throws SQLException {
    while (result.next()) {
      rows.incrementAndGet();
    }
    return null;
  }
}
