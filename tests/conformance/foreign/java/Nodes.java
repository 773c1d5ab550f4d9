import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** The nodes this program was told of, and the ways to talk to them. */
final class Nodes {
  /** One question to the driver's metadata. */
  interface Question {
    ResultSet ask(DatabaseMetaData metadata) throws Exception;
  }

  private final Map<String, String> arguments = new HashMap<>();

  Nodes(String[] args) {
    for (String each : args) {
      int cut = each.indexOf('=');
      arguments.put(each.substring(0, cut), each.substring(cut + 1));
    }
  }

  String argument(String name) {
    return arguments.get(name);
  }

  /** The URL of a node, which may be "node", "other" or "proxy". */
  String url(String node) {
    return "jdbc:arrow-flight-sql://" + argument(node) + "?useEncryption=false";
  }

  /** Connection properties with the login by password, and more of them. */
  Properties login(String... pairs) {
    Properties properties = new Properties();
    properties.setProperty("user", argument("user"));
    properties.setProperty("password", argument("password"));
    for (int i = 0; i < pairs.length; i += 2) {
      properties.setProperty(pairs[i], pairs[i + 1]);
    }
    return properties;
  }

  /** A connection to the first node. */
  Connection connect(String... properties) throws SQLException {
    return DriverManager.getConnection(url("node"), login(properties));
  }

  /** A connection to the first node in which some statements have run. */
  Connection prepared(String... statements) throws SQLException {
    Connection connection = connect();
    try (Statement statement = connection.createStatement()) {
      for (String each : statements) {
        statement.execute(each);
      }
    }
    return connection;
  }

  /** Reports all rows of an answer of the driver's metadata. */
  void ask(Report report, String name, Question question) {
    report.scenario(
        name,
        () -> {
          try (Connection connection = connect();
              ResultSet result = question.ask(connection.getMetaData())) {
            return records(result);
          }
        });
  }

  /** The rows a query answers with. */
  static List<List<Object>> query(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      return rows(result);
    }
  }

  /** All rows, as lists of what getObject() says. */
  static List<List<Object>> rows(ResultSet result) throws SQLException {
    List<List<Object>> rows = new ArrayList<>();
    while (result.next()) {
      List<Object> row = new ArrayList<>();
      for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
        row.add(plain(result.getObject(i)));
      }
      rows.add(row);
    }
    return rows;
  }

  /** All rows, as maps by the columns' labels. */
  static List<Map<String, Object>> records(ResultSet result) throws SQLException {
    List<Map<String, Object>> records = new ArrayList<>();
    while (result.next()) {
      Map<String, Object> record = Report.record();
      for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
        record.put(result.getMetaData().getColumnLabel(i), plain(result.getObject(i)));
      }
      records.add(record);
    }
    return records;
  }

  /** One column of all rows. */
  static List<Object> column(ResultSet result, String label) throws SQLException {
    List<Object> values = new ArrayList<>();
    while (result.next()) {
      values.add(plain(result.getObject(label)));
    }
    return values;
  }

  /** A value in terms that JSON knows. */
  static Object plain(Object value) throws SQLException {
    if (value instanceof Array array) {
      return plain(array.getArray());
    } else if (value instanceof Object[] values) {
      List<Object> list = new ArrayList<>();
      for (Object each : values) {
        list.add(plain(each));
      }
      return list;
    }
    return value;
  }
}
