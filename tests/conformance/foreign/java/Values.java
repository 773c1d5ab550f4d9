import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Date;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Time;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every type: as a result, and as a parameter. */
final class Values {
  private static final List<String[]> RESULTS =
      List.of(
          new String[] {"BOOLEAN", "true"},
          new String[] {"TINYINT", "-128"},
          new String[] {"SMALLINT", "-32768"},
          new String[] {"INTEGER", "-2147483648"},
          new String[] {"BIGINT", "-9223372036854775808"},
          new String[] {"UTINYINT", "255"},
          new String[] {"USMALLINT", "65535"},
          new String[] {"UINTEGER", "4294967295"},
          new String[] {"UBIGINT", "18446744073709551615"},
          new String[] {"HUGEINT", "170141183460469231731687303715884105727"},
          new String[] {"UHUGEINT", "340282366920938463463374607431768211455"},
          new String[] {"FLOAT", "1.5"},
          new String[] {"DOUBLE", "-2.5e300"},
          new String[] {"DECIMAL(9,2)", "-1234567.89"},
          new String[] {"DECIMAL(38,10)", "1234567890123456789012345678.0123456789"},
          new String[] {"VARCHAR", "'zwölf ☃'"},
          new String[] {"BLOB", "'\\x00\\xFFa'::BLOB"},
          new String[] {"DATE", "'2024-02-29'"},
          new String[] {"TIME", "'23:59:58.123456'"},
          new String[] {"TIMETZ", "'12:34:56+02'"},
          new String[] {"TIMESTAMP", "'2024-02-29 23:59:58.123456'"},
          new String[] {"TIMESTAMP_S", "'2024-02-29 23:59:58'"},
          new String[] {"TIMESTAMP_MS", "'2024-02-29 23:59:58.123'"},
          new String[] {"TIMESTAMP_NS", "'2024-02-29 23:59:58.123456789'"},
          new String[] {"TIMESTAMPTZ", "'2024-02-29 23:59:58.123456+00'"},
          new String[] {"INTERVAL", "INTERVAL '1 month 2 days 3 seconds'"},
          new String[] {"UUID", "'00112233-4455-6677-8899-aabbccddeeff'"},
          new String[] {"JSON", "'{\"a\": [1, null]}'"},
          new String[] {"BIT", "'0101'"},
          new String[] {"BIGNUM", "'12345678901234567890123456789012345678901234567890'"},
          new String[] {"ENUM('small', 'large')", "'large'"},
          new String[] {"INTEGER[]", "[1, NULL, 3]"},
          new String[] {"VARCHAR[][]", "[['a'], [], NULL]"},
          new String[] {"INTEGER[3]", "[1, 2, 3]"},
          new String[] {"STRUCT(a INTEGER, b VARCHAR)", "{'a': 1, 'b': 'x'}"},
          new String[] {"MAP(VARCHAR, INTEGER)", "MAP {'k': 1, 'l': NULL}"},
          new String[] {"UNION(n INTEGER, t VARCHAR)", "'text'"},
          new String[] {"\"NULL\"", "NULL"});

  /** Binds one value. */
  private interface Binding {
    void bind(PreparedStatement statement) throws SQLException;
  }

  private static final Map<String, Binding> PARAMETERS = new LinkedHashMap<>();

  static {
    PARAMETERS.put("BOOLEAN", s -> s.setBoolean(1, true));
    PARAMETERS.put("TINYINT", s -> s.setByte(1, (byte) -5));
    PARAMETERS.put("SMALLINT", s -> s.setShort(1, (short) -300));
    PARAMETERS.put("INTEGER", s -> s.setInt(1, -70000));
    PARAMETERS.put("BIGINT", s -> s.setLong(1, Long.MIN_VALUE));
    PARAMETERS.put("UTINYINT", s -> s.setInt(1, 200));
    PARAMETERS.put("USMALLINT", s -> s.setInt(1, 60000));
    PARAMETERS.put("UINTEGER", s -> s.setLong(1, 4_000_000_000L));
    PARAMETERS.put("UBIGINT", s -> s.setLong(1, Long.MAX_VALUE));
    PARAMETERS.put("HUGEINT", s -> s.setBigDecimal(1, new BigDecimal("12345678901234567890123")));
    PARAMETERS.put("FLOAT", s -> s.setFloat(1, 1.5f));
    PARAMETERS.put("DOUBLE", s -> s.setDouble(1, -2.5e300));
    PARAMETERS.put("DECIMAL(10,3)", s -> s.setBigDecimal(1, new BigDecimal("-12.345")));
    PARAMETERS.put("VARCHAR", s -> s.setString(1, "it's ☃"));
    PARAMETERS.put("BLOB", s -> s.setBytes(1, new byte[] {0, -1, 97}));
    PARAMETERS.put("DATE", s -> s.setDate(1, Date.valueOf("2024-02-29")));
    PARAMETERS.put("TIME", s -> s.setTime(1, Time.valueOf("23:59:58")));
    PARAMETERS.put(
        "TIMESTAMP", s -> s.setTimestamp(1, Timestamp.valueOf("2024-02-29 23:59:58.123")));
    PARAMETERS.put("TIMESTAMP_S", s -> s.setTimestamp(1, Timestamp.valueOf("2024-02-29 23:59:58")));
    PARAMETERS.put(
        "TIMESTAMP_MS", s -> s.setTimestamp(1, Timestamp.valueOf("2024-02-29 23:59:58.123")));
    PARAMETERS.put(
        "TIMESTAMPTZ", s -> s.setTimestamp(1, Timestamp.valueOf("2024-02-29 23:59:58.123")));
    PARAMETERS.put("UUID", s -> s.setString(1, "00112233-4455-6677-8899-aabbccddeeff"));
    PARAMETERS.put("JSON", s -> s.setString(1, "{\"a\": 1}"));
    PARAMETERS.put("ENUM('small', 'large')", s -> s.setString(1, "large"));
  }

  private Values() {}

  static void report(Report report, Nodes nodes) {
    for (String[] each : RESULTS) {
      report.scenario("result " + each[0], () -> result(nodes, each[0], each[1]));
    }
    PARAMETERS.forEach(
        (type, binding) -> {
          report.scenario("parameter " + type, () -> parameter(nodes, type, binding));
          report.scenario(
              "null parameter " + type,
              () -> parameter(nodes, type, s -> s.setNull(1, Types.NULL)));
        });
    report.scenario("getters", () -> getters(nodes));
  }

  private static Object result(Nodes nodes, String type, String literal) throws Exception {
    String sql = String.format("SELECT (%s)::%s AS v, NULL::%s AS n", literal, type, type);
    try (Connection connection = nodes.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      ResultSetMetaData metadata = result.getMetaData();
      result.next();
      return Report.record(
          "type", metadata.getColumnTypeName(1),
          "object", got(() -> result.getObject(1)),
          "string", got(() -> result.getString(1)),
          "long", got(() -> result.getLong(1)),
          "timestamp", got(() -> result.getTimestamp(1)),
          "null object", got(() -> result.getObject(2)),
          "null string", got(() -> result.getString(2)),
          "was null", result.wasNull());
    }
  }

  /** What a getter says, or how the driver fails. */
  private static Object got(Report.Scenario getter) throws Exception {
    try {
      return Nodes.plain(getter.run());
    } catch (RuntimeException | SQLException failure) {
      return "failed: " + failure.getMessage();
    }
  }

  private static Object parameter(Nodes nodes, String type, Binding binding) throws Exception {
    try (Connection connection = nodes.connect();
        PreparedStatement statement =
            connection.prepareStatement(
                String.format("SELECT v::VARCHAR, typeof(v) FROM (SELECT ?::%s AS v)", type))) {
      binding.bind(statement);
      try (ResultSet result = statement.executeQuery()) {
        return Nodes.rows(result).get(0);
      }
    }
  }

  /** One value read in every way a program may choose. */
  private static Object getters(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect();
        Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT 42 AS n, 2.50::DECIMAL(5,2) AS d, DATE '2024-02-29' AS day, TIMESTAMP"
                    + " '2024-02-29 12:00:00' AS t, true AS b, 'x' AS s, NULL::INTEGER AS"
                    + " missing")) {
      result.next();
      return Report.record(
          "byte", (int) result.getByte("n"),
          "short", result.getShort("n"),
          "int", result.getInt("n"),
          "float", result.getFloat("n"),
          "long", result.getLong("n"),
          "double", result.getDouble("n"),
          "decimal", result.getBigDecimal("d"),
          "date", result.getDate("day"),
          "timestamp", result.getTimestamp("t"),
          "boolean", result.getBoolean("b"),
          "string", result.getString("s"),
          "missing", result.getInt("missing"),
          "was null", result.wasNull(),
          "column", result.findColumn("day"));
    }
  }
}
