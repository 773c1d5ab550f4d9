import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** java.sql.Statement: queries, changes, definitions, batches, errors. */
final class Statements {
  private static final Map<String, String> WRONG =
      Map.of(
          "syntax", "SELEC 1",
          "no such table", "SELECT * FROM nowhere.nothing",
          "no such column", "SELECT b FROM (SELECT 1 AS a)",
          "conversion", "SELECT 'x'::INTEGER",
          "while running",
              "SELECT CASE WHEN range = 70000 THEN error('too late') ELSE range END FROM"
                  + " range(100000)",
          "file", "SELECT * FROM read_csv('/no/such/file.csv')",
          "empty", "  ",
          "constraint", "INSERT INTO strict_ones VALUES (NULL)");

  private Statements() {}

  static void report(Report report, Nodes nodes) {
    report.scenario("query", () -> query(nodes));
    report.scenario("empty result", () -> empty(nodes));
    report.scenario("changes and their counts", () -> changes(nodes));
    report.scenario("returning", () -> returning(nodes));
    report.scenario("execute tells what it was", () -> execute(nodes));
    report.scenario("several statements in one text", () -> several(nodes));
    report.scenario("result metadata", () -> metadata(nodes));
    report.scenario("row limits", () -> limits(nodes));
    report.scenario("two results side by side", () -> sideBySide(nodes));
    report.scenario("set and use", () -> state(nodes));
    report.scenario("catalog property", () -> catalogProperty(nodes));
    report.scenario("catalog property of an unknown catalog", () -> noSuchCatalog(nodes));
    report.scenario("set catalog", () -> setCatalog(nodes));
    report.scenario("transactions in text", () -> transactions(nodes));
    report.scenario("dialect property", () -> dialect(nodes));
    report.scenario("errors", () -> errors(nodes));
  }

  private static Object query(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect()) {
      return Nodes.query(
          connection, "SELECT 1 AS one, 'zwölf' AS text UNION ALL SELECT 2, NULL ORDER BY 1");
    }
  }

  private static Object empty(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT 1 AS a, 'x' AS b WHERE false")) {
      return Report.record(
          "first", result.getMetaData().getColumnName(1),
          "second", result.getMetaData().getColumnName(2),
          "rows", Nodes.rows(result));
    }
  }

  private static Object changes(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        Statement statement = connection.createStatement()) {
      List<Object> counts = new ArrayList<>();
      counts.add(statement.executeUpdate("CREATE TABLE changed (a INTEGER, b VARCHAR)"));
      counts.add(
          statement.executeUpdate("INSERT INTO changed VALUES (1, 'x'), (2, 'y'), (3, 'z')"));
      counts.add(statement.executeUpdate("UPDATE changed SET b = 'w' WHERE a > 1"));
      counts.add(statement.executeLargeUpdate("DELETE FROM changed WHERE a = 3"));
      return Report.record(
          "counts", counts, "rows", Nodes.query(connection, "SELECT * FROM changed ORDER BY a"));
    }
  }

  private static Object returning(Nodes nodes) throws Exception {
    try (Connection connection = nodes.prepared("CREATE TABLE returned (a INTEGER)")) {
      return Report.record(
          "returned",
          Nodes.query(connection, "INSERT INTO returned VALUES (10), (20) RETURNING a + 1 AS next"),
          "stored",
          Nodes.query(connection, "SELECT count(*), sum(a)::BIGINT FROM returned"));
    }
  }

  private static Object execute(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        Statement statement = connection.createStatement()) {
      List<Object> told = new ArrayList<>();
      told.add(statement.execute("CREATE TABLE told (a INTEGER)"));
      told.add(statement.getUpdateCount());
      told.add(statement.execute("INSERT INTO told VALUES (1), (2)"));
      told.add(statement.getUpdateCount());
      told.add(statement.execute("SELECT a FROM told ORDER BY a"));
      told.add(statement.getUpdateCount());
      told.add(Nodes.rows(statement.getResultSet()));
      told.add(statement.getMoreResults());
      told.add(statement.getUpdateCount());
      return told;
    }
  }

  private static Object several(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect()) {
      return Nodes.query(
          connection,
          "CREATE TABLE several (a INTEGER); INSERT INTO several VALUES (7); SELECT 42 AS answer");
    }
  }

  private static Object metadata(Nodes nodes) throws Exception {
    try (Connection connection =
            nodes.prepared(
                "CREATE TABLE described (id BIGINT NOT NULL, price DECIMAL(12,3), name VARCHAR)",
                "INSERT INTO described VALUES (1, 2, 'x')");
        Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery("SELECT id, price AS \"the price\", name FROM described")) {
      ResultSetMetaData metadata = result.getMetaData();
      List<Object> columns = new ArrayList<>();
      for (int i = 1; i <= metadata.getColumnCount(); i++) {
        columns.add(
            Report.record(
                "name", metadata.getColumnName(i),
                "label", metadata.getColumnLabel(i),
                "type", metadata.getColumnTypeName(i),
                "precision", metadata.getPrecision(i),
                "scale", metadata.getScale(i),
                "signed", metadata.isSigned(i),
                "class", metadata.getColumnClassName(i)));
      }
      return columns;
    }
  }

  private static Object limits(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        Statement statement = connection.createStatement()) {
      statement.setMaxRows(5);
      statement.setFetchSize(2);
      try (ResultSet result = statement.executeQuery("SELECT range AS a FROM range(100000)")) {
        return Nodes.column(result, "a");
      }
    }
  }

  private static Object sideBySide(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        Statement one = connection.createStatement();
        Statement two = connection.createStatement();
        ResultSet left = one.executeQuery("SELECT range AS a FROM range(300000)");
        ResultSet right = two.executeQuery("SELECT range * 2 AS a FROM range(300000)")) {
      long sum = 0;
      while (left.next() && right.next()) {
        sum += left.getLong(1) + right.getLong(1);
      }
      return sum;
    }
  }

  private static Object state(Nodes nodes) throws Exception {
    try (Connection connection =
            nodes.prepared(
                "CREATE SCHEMA inside",
                "CREATE TABLE inside.here (a INTEGER)",
                "USE inside",
                "SET VARIABLE answer = 42");
        Connection other = nodes.connect()) {
      return Report.record(
          "here", Nodes.query(connection, "SELECT current_schema(), getvariable('answer')"),
          "elsewhere", Nodes.query(other, "SELECT current_schema(), getvariable('answer')"));
    }
  }

  /**
   * The connection stays open: closing one with a catalog fails in the driver, after all is done.
   */
  private static Object catalogProperty(Nodes nodes) throws Exception {
    try (Connection ignored = nodes.prepared("ATTACH ':memory:' AS attic")) {
      return Nodes.query(nodes.connect("catalog", "attic"), "SELECT current_catalog()");
    }
  }

  private static Object noSuchCatalog(Nodes nodes) throws Exception {
    return Report.failure(() -> nodes.connect("catalog", "no such catalog"));
  }

  private static Object setCatalog(Nodes nodes) throws Exception {
    try (Connection connection = nodes.prepared("ATTACH ':memory:' AS cellar")) {
      connection.setCatalog("cellar");
      return Report.record(
          "get", connection.getCatalog(),
          "asked", Nodes.query(connection, "SELECT current_catalog()"));
    }
  }

  private static Object transactions(Nodes nodes) throws Exception {
    try (Connection connection =
            nodes.prepared(
                "CREATE TABLE moved (a INTEGER)", "BEGIN", "INSERT INTO moved VALUES (1)");
        Connection other = nodes.connect();
        Statement statement = connection.createStatement()) {
      List<Object> seen = new ArrayList<>();
      seen.add(Nodes.query(other, "SELECT count(*) FROM moved"));
      statement.execute("COMMIT");
      seen.add(Nodes.query(other, "SELECT count(*) FROM moved"));
      statement.execute("BEGIN");
      statement.execute("DELETE FROM moved");
      statement.execute("ROLLBACK");
      seen.add(Nodes.query(other, "SELECT count(*) FROM moved"));
      return seen;
    }
  }

  private static Object dialect(Nodes nodes) throws Exception {
    String url = nodes.url("node") + "&x-flightkeeper-dialect=mysql";
    try (Connection connection = DriverManager.getConnection(url, nodes.login())) {
      return Nodes.query(connection, "SELECT `a b`, IFNULL(NULL, 3) FROM (SELECT 1 AS `a b`) AS t");
    }
  }

  private static Object errors(Nodes nodes) throws Exception {
    try (Connection connection = nodes.prepared("CREATE TABLE strict_ones (a INTEGER NOT NULL)")) {
      Map<String, Object> errors = Report.record();
      for (Map.Entry<String, String> each : WRONG.entrySet()) {
        errors.put(each.getKey(), Report.failure(() -> Nodes.query(connection, each.getValue())));
      }
      errors.put("works afterwards", Nodes.query(connection, "SELECT 1"));
      return errors;
    }
  }
}
