import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/** Runs scenarios and prints what came of each as a line of JSON. */
final class Report {
  /** What is tried; answers values that JSON can tell. */
  interface Scenario {
    Object run() throws Exception;
  }

  private final BufferedReader answers =
      new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

  void scenario(String name, Scenario scenario) {
    Map<String, Object> line;
    try {
      line = record("scenario", name, "ok", true, "values", scenario.run());
    } catch (Throwable failure) {
      StringWriter trace = new StringWriter();
      failure.printStackTrace(new PrintWriter(trace));
      line = record("scenario", name, "ok", false, "detail", trace.toString());
    }
    System.out.println(json(line));
  }

  /** Asks the side that started this program; true or false. */
  boolean ask(String question) throws IOException {
    System.out.println(json(record("ask", question)));
    return Boolean.parseBoolean(answers.readLine());
  }

  /** A map of keys and values in this order. */
  static Map<String, Object> record(Object... pairs) {
    Map<String, Object> record = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      record.put((String) pairs[i], pairs[i + 1]);
    }
    return record;
  }

  /** How something fails; null when it does not. */
  static Map<String, Object> failure(Scenario scenario) throws Exception {
    try {
      scenario.run();
      return null;
    } catch (SQLException | RuntimeException error) {
      return record("message", error.getMessage(), "told", told(error));
    }
  }

  /** All texts of an error and of its causes. */
  private static String told(Throwable error) {
    StringBuilder text = new StringBuilder();
    for (Throwable each = error; each != null; each = each.getCause()) {
      text.append(each.getMessage()).append('\n');
    }
    return text.toString();
  }

  static String json(Object value) {
    if (value == null || value instanceof Boolean) {
      return String.valueOf(value);
    } else if (value instanceof Map<?, ?> map) {
      StringJoiner joined = new StringJoiner(",", "{", "}");
      map.forEach((key, each) -> joined.add(quoted(String.valueOf(key)) + ":" + json(each)));
      return joined.toString();
    } else if (value instanceof List<?> list) {
      StringJoiner joined = new StringJoiner(",", "[", "]");
      list.forEach(each -> joined.add(json(each)));
      return joined.toString();
    } else if (value instanceof Byte
        || value instanceof Short
        || value instanceof Integer
        || value instanceof Long) {
      return value.toString();
    } else if (value instanceof BigDecimal decimal) {
      return quoted(decimal.toPlainString());
    } else if (value instanceof byte[] bytes) {
      return quoted(HexFormat.of().formatHex(bytes));
    }
    return quoted(value.toString());
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char each : text.toCharArray()) {
      if (each == '"' || each == '\\') {
        quoted.append('\\').append(each);
      } else if (each < ' ' || each > '~') {
        quoted.append(String.format("\\u%04x", (int) each));
      } else {
        quoted.append(each);
      }
    }
    return quoted.append('"').toString();
  }
}
