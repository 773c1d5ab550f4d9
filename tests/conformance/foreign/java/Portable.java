import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Statements that are prepared once, and bound and run again after the node that prepared them was
 * killed: through a gateway ("node"), and through an address that leads to another node ("other").
 */
public final class Portable {
  private static final int KILLS = 3;

  private final Nodes nodes;

  private Portable(Nodes nodes) {
    this.nodes = nodes;
  }

  public static void main(String[] args) {
    Report report = new Report();
    Portable portable = new Portable(new Nodes(args));
    report.scenario("prepared on nodes that are gone", () -> portable.run(report));
    // The driver's threads are no daemons.
    System.exit(0);
  }

  private Map<String, Object> run(Report report) throws Exception {
    Map<String, Object> told = Report.record();
    try (Prepared gateway = new Prepared("node");
        Prepared address = new Prepared("other")) {
      for (int kills = 0; kills <= KILLS; kills++) {
        if (kills > 0) {
          report.ask("kill a node");
        }
        told.put("gateway " + kills, gateway.work(kills));
        told.put("address " + kills, address.work(kills));
      }
    }
    return told;
  }

  /** A connection, and what was prepared on it. */
  private final class Prepared implements AutoCloseable {
    private final String way;
    private final Connection connection;
    private final PreparedStatement insert;
    private final PreparedStatement select;

    Prepared(String way) throws SQLException {
      this.way = way;
      connection = DriverManager.getConnection(nodes.url(way), nodes.login());
      insert = connection.prepareStatement("INSERT INTO stock VALUES (?, ?)");
      select =
          connection.prepareStatement(
              "SELECT number FROM stock WHERE name = ? AND number > ? ORDER BY ALL");
    }

    /** What an insert, a batch of inserts and a query answer. */
    List<Object> work(int kills) throws SQLException {
      List<Object> answers = new ArrayList<>();
      String name = way + " " + kills;
      insert.setString(1, name);
      insert.setInt(2, 1);
      answers.add(insert.executeUpdate());
      for (int number : new int[] {2, 3}) {
        insert.setString(1, name);
        insert.setInt(2, number);
        insert.addBatch();
      }
      for (int count : insert.executeBatch()) {
        answers.add(count);
      }
      select.setString(1, name);
      select.setInt(2, 1);
      try (ResultSet result = select.executeQuery()) {
        answers.add(Nodes.rows(result));
      }
      return answers;
    }

    @Override
    public void close() throws SQLException {
      insert.close();
      select.close();
      connection.close();
    }
  }
}
