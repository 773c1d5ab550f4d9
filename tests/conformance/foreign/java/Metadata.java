import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** What database tools ask before they show anything: DatabaseMetaData, but for keys. */
final class Metadata {
  private static final String[] SETUP = {
    "CREATE SCHEMA shop",
    "CREATE TABLE shop.wares (id BIGINT NOT NULL, name VARCHAR, price DECIMAL(10,2) DEFAULT 1,"
        + " weight DOUBLE, made DATE, sold TIMESTAMP, seen TIMESTAMPTZ, tags VARCHAR[],"
        + " on_sale BOOLEAN, photo BLOB)",
    "COMMENT ON TABLE shop.wares IS 'everything on the shelves'",
    "COMMENT ON COLUMN shop.wares.name IS 'as on the label'",
    "CREATE TABLE shop.wares_old (id INTEGER)",
    "CREATE TABLE shop.waresXold (id INTEGER)",
    "CREATE VIEW shop.cheap AS SELECT name FROM shop.wares WHERE price < 1",
    "CREATE TABLE shop.\"odd \"\"name\"\" ü\" (\"odd column\" INTEGER)",
    "CREATE TEMPORARY TABLE basket (id INTEGER)",
  };

  private Metadata() {}

  static void report(Report report, Nodes nodes) {
    report.scenario("server facts", () -> facts(nodes));
    report.scenario(
        "set up for metadata",
        () -> {
          nodes.prepared(SETUP).close();
          return null;
        });
    nodes.ask(report, "catalogs", m -> m.getCatalogs());
    nodes.ask(report, "schemas", m -> m.getSchemas());
    nodes.ask(report, "schemas by pattern", m -> m.getSchemas("memory", "sh_p"));
    nodes.ask(report, "schemas of no catalog", m -> m.getSchemas("no such catalog", null));
    nodes.ask(report, "table types", m -> m.getTableTypes());
    nodes.ask(report, "all tables", m -> m.getTables(null, "shop", "%", null));
    nodes.ask(report, "views", m -> m.getTables("memory", "shop", null, new String[] {"VIEW"}));
    nodes.ask(
        report,
        "tables and views",
        m -> m.getTables(null, "shop", null, new String[] {"TABLE", "VIEW"}));
    nodes.ask(report, "tables by pattern", m -> m.getTables(null, "shop", "wares\\_%", null));
    nodes.ask(report, "tables by loose pattern", m -> m.getTables(null, "shop", "wares_old", null));
    nodes.ask(
        report,
        "tables of an unknown type",
        m -> m.getTables(null, "shop", null, new String[] {"SYNONYM"}));
    nodes.ask(report, "tables nowhere", m -> m.getTables("", "shop", null, null));
    nodes.ask(report, "columns", m -> m.getColumns("memory", "shop", "wares", "%"));
    nodes.ask(report, "columns by pattern", m -> m.getColumns(null, "shop", "%", "%name"));
    nodes.ask(report, "columns of an odd name", m -> m.getColumns(null, "shop", "odd%", null));
    nodes.ask(report, "type info", m -> m.getTypeInfo());
    nodes.ask(report, "functions", m -> m.getFunctions(null, null, "%"));
    nodes.ask(report, "procedures", m -> m.getProcedures(null, null, "%"));
    nodes.ask(report, "indexes", m -> m.getIndexInfo(null, "shop", "wares", false, true));
    nodes.ask(
        report, "row identifiers", m -> m.getBestRowIdentifier(null, "shop", "wares", 0, true));
    nodes.ask(report, "privileges", m -> m.getTablePrivileges(null, "shop", "%"));
    nodes.ask(report, "user types", m -> m.getUDTs(null, null, "%", null));
    nodes.ask(report, "client properties", m -> m.getClientInfoProperties());
  }

  /** The answer to every question without arguments, by its name. */
  private static Object facts(Nodes nodes) throws Exception {
    try (Connection connection = nodes.connect()) {
      Map<String, Object> facts = new TreeMap<>();
      for (Method method : DatabaseMetaData.class.getMethods()) {
        boolean plain =
            Arrays.asList(String.class, int.class, long.class, boolean.class)
                .contains(method.getReturnType());
        if (method.getParameterCount() == 0 && plain) {
          facts.put(method.getName(), answer(method, connection.getMetaData()));
        }
      }
      return facts;
    }
  }

  private static Object answer(Method method, DatabaseMetaData metadata) throws Exception {
    try {
      return method.invoke(metadata);
    } catch (InvocationTargetException failure) {
      return "failed: " + failure.getCause();
    }
  }
}
