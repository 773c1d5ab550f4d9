import java.util.List;
import java.util.function.BiConsumer;

/** Drives the Arrow Flight SQL JDBC driver against real nodes; arguments are key=value. */
public final class Conformance {
  private static final List<BiConsumer<Report, Nodes>> FAMILIES =
      List.of(
          Logins::report,
          Metadata::report,
          Keys::report,
          Statements::report,
          PreparedStatements::report,
          Values::report,
          Delivery::report,
          Stopping::report,
          Pools::report);

  private Conformance() {}

  public static void main(String[] args) {
    Report report = new Report();
    Nodes nodes = new Nodes(args);
    FAMILIES.forEach(family -> family.accept(report, nodes));
    // The driver's threads are no daemons.
    System.exit(0);
  }
}
