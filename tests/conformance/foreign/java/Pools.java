import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;

/** Connections that a pool lends and takes back, as servers of Java applications do. */
final class Pools {
  private Pools() {}

  static void report(Report report, Nodes nodes) {
    report.scenario("connection pool", () -> reused(nodes));
  }

  private static Object reused(Nodes nodes) throws Exception {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(nodes.url("node"));
    config.setUsername(nodes.argument("user"));
    config.setPassword(nodes.argument("password"));
    config.setMaximumPoolSize(2);
    config.setInitializationFailTimeout(20_000);
    try (HikariDataSource pool = new HikariDataSource(config)) {
      List<Object> answers = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        try (Connection connection = pool.getConnection();
            Connection second = pool.getConnection()) {
          answers.add(Nodes.query(connection, "SELECT " + i).get(0).get(0));
          Report.failure(() -> Nodes.query(second, "SELECT * FROM nowhere"));
        }
      }
      return Report.record(
          "answers", answers, "open", pool.getHikariPoolMXBean().getTotalConnections());
    }
  }
}
