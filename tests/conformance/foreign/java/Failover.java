import java.security.Security;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Connections of the JDBC driver that read and check every answer while nodes are killed. One that
 * fails is opened again, as pools do: the driver resolves a name once for each.
 *
 * <p>Arguments are key=value: those of {@link Nodes}, `rows` and `modulus` of the table, and `hosts`,
 * the hosts file that resolves names.
 */
public final class Failover {
  private static final int CONNECTIONS = 4;
  private static final int KILLS = 2;
  private static final int READS_BETWEEN = 20;
  private static final int SLICE = 5_000;

  private final Nodes nodes;
  private final AtomicBoolean stop = new AtomicBoolean();
  private final AtomicLongArray right = new AtomicLongArray(CONNECTIONS);
  private final List<String> wrong = Collections.synchronizedList(new ArrayList<>());
  private final List<String> failed = Collections.synchronizedList(new ArrayList<>());

  private Failover(Nodes nodes) {
    this.nodes = nodes;
  }

  public static void main(String[] args) {
    Nodes nodes = new Nodes(args);
    if (nodes.argument("hosts") != null) {
      // Java reads it instead of asking the system, once it is named before the first look-up.
      System.setProperty("jdk.net.hosts.file", nodes.argument("hosts"));
      Security.setProperty("networkaddress.cache.ttl", "0");
    }
    Report report = new Report();
    Failover failover = new Failover(nodes);
    report.scenario("reads while nodes are killed", () -> failover.run(report));
    // The driver's threads are no daemons.
    System.exit(0);
  }

  private Map<String, Object> run(Report report) throws Exception {
    List<Thread> readers = new ArrayList<>();
    for (int number = 0; number < CONNECTIONS; number++) {
      int own = number;
      Thread reader = new Thread(() -> read(own));
      reader.start();
      readers.add(reader);
    }
    for (int kill = 0; kill < KILLS; kill++) {
      eachReadsMore();
      report.ask("kill a node");
    }
    eachReadsMore();
    stop.set(true);
    for (Thread reader : readers) {
      reader.join();
    }
    return Report.record("wrong", wrong, "failed", failed);
  }

  /** Waits until every connection has had some more right answers. */
  private void eachReadsMore() throws InterruptedException {
    for (int number = 0; number < CONNECTIONS; number++) {
      long enough = right.get(number) + READS_BETWEEN;
      while (right.get(number) < enough) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
  }

  private void read(int number) {
    Random random = new Random(number);
    while (!stop.get()) {
      try (Connection connection = DriverManager.getConnection(nodes.url("node"), nodes.login())) {
        while (!stop.get()) {
          one(connection, number, random.nextInt(Integer.parseInt(nodes.argument("rows")) - SLICE));
        }
      } catch (SQLException | RuntimeException error) {
        failed.add(error.getMessage());
      }
    }
  }

  private void one(Connection connection, int number, long low) throws SQLException {
    long high = low + SLICE;
    String sql = "SELECT i, v FROM number WHERE i >= " + low + " AND i < " + high;
    long modulus = Long.parseLong(nodes.argument("modulus"));
    long rows = 0;
    long sum = 0;
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        rows++;
        sum += result.getLong("v");
      }
    }
    long expected = 0;
    for (long i = low; i < high; i++) {
      expected += i * 31 % modulus;
    }
    if (rows == SLICE && sum == expected) {
      right.incrementAndGet(number);
    } else {
      wrong.add(sql + ": " + rows + " rows of sum " + sum);
    }
  }
}
