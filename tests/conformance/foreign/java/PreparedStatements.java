import java.sql.Connection;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;

/** java.sql.PreparedStatement: metadata before running, parameters, batches. */
final class PreparedStatements {
  private PreparedStatements() {}

  static void report(Report report, Nodes nodes) {
    report.scenario("prepared query", () -> query(nodes));
    report.scenario("prepared again with other values", () -> again(nodes));
    report.scenario("prepared without parameters", () -> plain(nodes));
    report.scenario("prepared changes", () -> changes(nodes));
    report.scenario("prepared batch", () -> batch(nodes));
    report.scenario("prepared big batch", () -> bigBatch(nodes));
    report.scenario("prepared batch with an error", () -> brokenBatch(nodes));
    report.scenario("prepared returning", () -> returning(nodes));
    report.scenario("prepared metadata", () -> metadata(nodes));
    report.scenario("prepared error", () -> Report.failure(() -> wrong(nodes)));
    report.scenario("parameters by position and column", () -> inferred(nodes));
  }

  private static Object query(Nodes nodes) throws Exception {
    try (Connection connection =
            nodes.prepared(
                "CREATE TABLE people AS SELECT * FROM (VALUES (1, 'Ada', 36.5), (2, 'Grace', 85.0),"
                    + " (3, NULL, 41.0)) t(id, name, age)");
        PreparedStatement statement =
            connection.prepareStatement("SELECT name FROM people WHERE id = ? AND age > ?")) {
      statement.setInt(1, 2);
      statement.setBigDecimal(2, new java.math.BigDecimal("40.0"));
      try (ResultSet result = statement.executeQuery()) {
        return Nodes.rows(result);
      }
    }
  }

  private static Object again(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        PreparedStatement statement =
            connection.prepareStatement("SELECT ?::INTEGER * 10 AS ten")) {
      List<Object> answers = new ArrayList<>();
      for (int value : new int[] {1, 2, 3}) {
        statement.setInt(1, value);
        try (ResultSet result = statement.executeQuery()) {
          answers.add(Nodes.rows(result));
        }
      }
      statement.clearParameters();
      statement.setNull(1, Types.INTEGER);
      try (ResultSet result = statement.executeQuery()) {
        answers.add(Nodes.rows(result));
      }
      return answers;
    }
  }

  private static Object plain(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        PreparedStatement statement = connection.prepareStatement("SELECT 'same' AS word")) {
      List<Object> answers = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        try (ResultSet result = statement.executeQuery()) {
          answers.add(Nodes.rows(result));
        }
      }
      return answers;
    }
  }

  private static Object changes(Nodes nodes) throws Exception {
    try (Connection connection = nodes.prepared("CREATE TABLE stock (id INTEGER, name VARCHAR)");
        PreparedStatement insert = connection.prepareStatement("INSERT INTO stock VALUES (?, ?)");
        PreparedStatement update =
            connection.prepareStatement("UPDATE stock SET name = ? WHERE id < ?");
        PreparedStatement delete = connection.prepareStatement("DELETE FROM stock")) {
      List<Object> counts = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        insert.setInt(1, i);
        insert.setString(2, "number " + i);
        counts.add(insert.executeUpdate());
      }
      update.setString(1, "renamed");
      update.setInt(2, 2);
      counts.add(update.executeUpdate());
      List<List<Object>> rows = Nodes.query(connection, "SELECT id, name FROM stock ORDER BY id");
      counts.add(delete.executeUpdate());
      return Report.record("counts", counts, "rows", rows);
    }
  }

  private static Object batch(Nodes nodes) throws Exception {
    try (Connection connection =
            nodes.prepared("CREATE TABLE boxes (id INTEGER, label VARCHAR, weight DOUBLE)");
        PreparedStatement statement =
            connection.prepareStatement("INSERT INTO boxes VALUES (?, ?, ?)")) {
      for (int i = 0; i < 4; i++) {
        statement.setInt(1, i);
        if (i == 2) {
          statement.setNull(2, Types.VARCHAR);
        } else {
          statement.setString(2, "box " + i);
        }
        statement.setDouble(3, i / 2.0);
        statement.addBatch();
      }
      List<Object> counts = new ArrayList<>();
      for (int count : statement.executeBatch()) {
        counts.add(count);
      }
      return Report.record(
          "counts", counts, "rows", Nodes.query(connection, "SELECT * FROM boxes ORDER BY id"));
    }
  }

  private static Object bigBatch(Nodes nodes) throws Exception {
    try (Connection connection = nodes.prepared("CREATE TABLE crates (id BIGINT, label VARCHAR)");
        PreparedStatement statement =
            connection.prepareStatement("INSERT INTO crates VALUES (?, ?)")) {
      for (int i = 0; i < 20_000; i++) {
        statement.setLong(1, i);
        statement.setString(2, "label of crate " + i);
        statement.addBatch();
      }
      statement.executeBatch();
      return Nodes.query(
          connection, "SELECT count(*), count(DISTINCT id), sum(id)::BIGINT FROM crates");
    }
  }

  private static Object brokenBatch(Nodes nodes) throws Exception {
    try (Connection connection =
            nodes.prepared("CREATE TABLE unique_ones (id INTEGER PRIMARY KEY)");
        PreparedStatement statement =
            connection.prepareStatement("INSERT INTO unique_ones VALUES (?)")) {
      for (int id : new int[] {1, 2, 1}) {
        statement.setInt(1, id);
        statement.addBatch();
      }
      Object error = Report.failure(statement::executeBatch);
      return Report.record(
          "error", error, "stored", Nodes.query(connection, "SELECT count(*) FROM unique_ones"));
    }
  }

  private static Object returning(Nodes nodes) throws Exception {
    try (Connection connection =
            nodes.prepared("CREATE TABLE numbered (id INTEGER, name VARCHAR)");
        PreparedStatement statement =
            connection.prepareStatement(
                "INSERT INTO numbered VALUES (?, ?) RETURNING id + 1 AS next, name")) {
      statement.setInt(1, 41);
      statement.setString(2, "x");
      try (ResultSet result = statement.executeQuery()) {
        return Nodes.records(result);
      }
    }
  }

  private static Object metadata(Nodes nodes) throws Exception {
    try (Connection connection =
            nodes.prepared("CREATE TABLE forecast (id BIGINT, day DATE, degrees DOUBLE)");
        PreparedStatement statement =
            connection.prepareStatement(
                "SELECT day, degrees FROM forecast WHERE id = ? AND day > ?")) {
      ParameterMetaData parameters = statement.getParameterMetaData();
      List<Object> types = new ArrayList<>();
      for (int i = 1; i <= parameters.getParameterCount(); i++) {
        types.add(parameters.getParameterTypeName(i));
      }
      List<Object> columns = new ArrayList<>();
      for (int i = 1; i <= statement.getMetaData().getColumnCount(); i++) {
        columns.add(statement.getMetaData().getColumnName(i));
      }
      return Report.record("parameters", types, "columns", columns);
    }
  }

  private static Object wrong(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        PreparedStatement statement =
            connection.prepareStatement("SELECT * FROM nowhere WHERE a = ?")) {
      statement.setNull(1, Types.NULL);
      return Nodes.rows(statement.executeQuery());
    }
  }

  /** Parameters whose types only the table tells. */
  private static Object inferred(Nodes nodes) throws Exception {
    try (Connection connection =
            nodes.prepared(
                "CREATE TABLE events (id BIGINT, kind VARCHAR, day DATE)",
                "INSERT INTO events VALUES (1, 'a', '2024-02-29'), (2, 'b', '2024-03-01'), (3, 'a',"
                    + " '2025-01-01')");
        PreparedStatement statement =
            connection.prepareStatement(
                "SELECT id FROM events WHERE kind IN (?, ?) AND day BETWEEN ? AND ? AND id + ? > 2"
                    + " ORDER BY id LIMIT ?")) {
      statement.setString(1, "a");
      statement.setString(2, "b");
      statement.setDate(3, java.sql.Date.valueOf("2024-02-01"));
      statement.setDate(4, java.sql.Date.valueOf("2024-12-31"));
      statement.setLong(5, 1);
      statement.setLong(6, 10);
      try (ResultSet result = statement.executeQuery()) {
        return Nodes.rows(result);
      }
    }
  }
}
