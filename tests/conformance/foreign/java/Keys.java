/** Primary and foreign keys, from which tools draw diagrams and guess joins. */
final class Keys {
  private static final String[] SETUP = {
    "CREATE SCHEMA ledger",
    "CREATE TABLE ledger.accounts (country VARCHAR, number INTEGER, owner VARCHAR UNIQUE,"
        + " PRIMARY KEY (number, country))",
    "CREATE TABLE ledger.bookings (id INTEGER PRIMARY KEY, country VARCHAR, account INTEGER,"
        + " FOREIGN KEY (account, country) REFERENCES ledger.accounts (number, country))",
    "CREATE TABLE ledger.loose (id INTEGER)",
  };

  private Keys() {}

  static void report(Report report, Nodes nodes) {
    report.scenario(
        "set up for keys",
        () -> {
          nodes.prepared(SETUP).close();
          return null;
        });
    nodes.ask(report, "primary key", m -> m.getPrimaryKeys("memory", "ledger", "accounts"));
    nodes.ask(report, "primary key anywhere", m -> m.getPrimaryKeys(null, null, "accounts"));
    nodes.ask(report, "no primary key", m -> m.getPrimaryKeys("memory", "ledger", "loose"));
    nodes.ask(report, "imported keys", m -> m.getImportedKeys("memory", "ledger", "bookings"));
    nodes.ask(report, "imported by none", m -> m.getImportedKeys("memory", "ledger", "accounts"));
    nodes.ask(report, "exported keys", m -> m.getExportedKeys("memory", "ledger", "accounts"));
    nodes.ask(report, "exported by none", m -> m.getExportedKeys("memory", "ledger", "bookings"));
    nodes.ask(
        report,
        "cross reference",
        m -> m.getCrossReference("memory", "ledger", "accounts", "memory", "ledger", "bookings"));
    nodes.ask(
        report,
        "cross reference of strangers",
        m -> m.getCrossReference("memory", "ledger", "accounts", "memory", "ledger", "loose"));
  }
}
