import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Big results, in parts, compressed, from elsewhere, for many at once. */
final class Delivery {
  private static final int THREADS = 8;

  private Delivery() {}

  static void report(Report report, Nodes nodes) {
    report.scenario("a million rows", () -> million(nodes));
    report.scenario("wide rows", () -> wide(nodes));
    report.scenario("several endpoints", () -> endpoints(nodes));
    report.scenario("ordered despite endpoints", () -> ordered(nodes));
    report.scenario("compression lz4", () -> compressed(nodes, "lz4"));
    report.scenario("compression zstd", () -> compressed(nodes, "zstd"));
    report.scenario("first location dead", () -> relocated(nodes));
    report.scenario("prepared elsewhere", () -> relocatedPrepared(nodes));
    report.scenario("connections on eight threads", () -> threads(nodes));
    report.scenario("one connection on eight threads", () -> shared(nodes));
  }

  /** Count and sum of the first column. */
  private static List<Object> total(Connection connection, String sql) throws Exception {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      long rows = 0;
      long sum = 0;
      while (result.next()) {
        rows++;
        sum += result.getLong(1);
      }
      return List.of(rows, sum);
    }
  }

  private static Object million(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect()) {
      return total(
          connection,
          "SELECT range AS a, 'row ' || range AS b, range / 3 AS c FROM range(1000000)");
    }
  }

  private static Object wide(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery("SELECT repeat('x', 3000000) AS a FROM range(4)")) {
      List<Object> lengths = new ArrayList<>();
      while (result.next()) {
        lengths.add(result.getString(1).length());
      }
      return lengths;
    }
  }

  private static Object endpoints(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect("x-flightkeeper-endpoints", "4");
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE parts AS SELECT range AS a FROM range(1000000)");
      return total(connection, "SELECT a FROM parts");
    }
  }

  private static Object ordered(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect("x-flightkeeper-endpoints", "4");
        Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery("SELECT range AS a FROM range(400000) ORDER BY a DESC")) {
      long last = Long.MAX_VALUE;
      boolean ordered = true;
      while (result.next()) {
        ordered &= result.getLong(1) < last;
        last = result.getLong(1);
      }
      return Report.record("ordered", ordered, "last", last);
    }
  }

  private static Object compressed(Nodes nodes, String name) throws Exception {
    try (Connection connection = nodes.connect("x-flightkeeper-compression", name)) {
      return Report.failure(() -> total(connection, "SELECT range AS a FROM range(200000)"));
    }
  }

  private static Object relocated(Nodes nodes) throws Exception {
    try (Connection connection = DriverManager.getConnection(nodes.url("proxy"), nodes.login())) {
      return total(connection, "SELECT range AS a FROM range(100000)");
    }
  }

  private static Object relocatedPrepared(Nodes nodes) throws Exception {
    try (Connection connection = DriverManager.getConnection(nodes.url("proxy"), nodes.login())) {
      return Nodes.query(connection, "SELECT 'from elsewhere' AS v");
    }
  }

  private static Object threads(Nodes nodes) throws Exception {
    return onThreads(
        number -> {
          try (Connection connection = nodes.connect()) {
            return total(connection, "SELECT range + " + number + " AS a FROM range(20000)");
          }
        });
  }

  private static Object shared(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect()) {
      return onThreads(
          number -> total(connection, "SELECT range + " + number + " AS a FROM range(20000)"));
    }
  }

  private interface Task {
    Object run(int number) throws Exception;
  }

  /** The last answers of several threads, each of which repeats its task. */
  private static Object onThreads(Task task) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<Object>> started = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int number = i;
        started.add(
            threads.submit(
                () -> {
                  for (int repeat = 0; repeat < 9; repeat++) {
                    task.run(number);
                  }
                  return task.run(number);
                }));
      }
      List<Object> answers = new ArrayList<>();
      for (Future<Object> each : started) {
        answers.add(each.get());
      }
      return answers;
    } finally {
      threads.shutdownNow();
    }
  }
}
