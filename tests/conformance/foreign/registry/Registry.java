import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.compression.CommonsCompressionFactory;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.ipc.message.IpcOption;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceType;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;

/** Uses a cluster's registry through Curator and Arrow; arguments are key=value. */
public final class Registry {
  private final Map<String, String> told = new HashMap<>();
  private final Report report = new Report();
  private final BufferAllocator allocator = new RootAllocator();
  private final CuratorFramework client;

  private Registry(String[] args) {
    for (String arg : args) {
      String[] parts = arg.split("=", 2);
      told.put(parts[0], parts[1]);
    }
    client = CuratorFrameworkFactory.newClient(told.get("zookeeper"), new RetryOneTime(100));
    client.start();
  }

  public static void main(String[] args) throws Exception {
    Registry registry = new Registry(args);
    registry.discover();
    registry.exchange();
    registry.client.close();
    System.exit(0);
  }

  @SuppressWarnings("rawtypes")
  private void discover() throws Exception {
    String service = told.get("service");
    try (ServiceDiscovery<Map> discovery =
        ServiceDiscoveryBuilder.builder(Map.class)
            .client(client)
            .basePath(told.get("chroot") + "/services")
            .serializer(new JsonInstanceSerializer<>(Map.class))
            .build()) {
      discovery.start();
      report.scenario(
          "nodes are listed",
          () -> {
            List<Object> found = new ArrayList<>();
            for (ServiceInstance<Map> one : discovery.queryForInstances(service)) {
              found.add(one.getId() + " " + one.buildUriSpec() + " " + one.getPayload().get("state"));
            }
            return found;
          });
      Map<String, Object> payload = new HashMap<>();
      payload.put("state", "UP");
      payload.put("location", "grpc://127.0.0.1:5");
      payload.put("incarnation", "of a Java program");
      ServiceInstance<Map> own =
          ServiceInstance.<Map>builder()
              .name(service)
              .id("java")
              .address("127.0.0.1")
              .port(5)
              .payload(payload)
              .serviceType(ServiceType.DYNAMIC)
              .build();
      discovery.registerService(own);
      report.scenario("an own instance is listed by others", () -> report.ask("listed"));
      discovery.unregisterService(own);
    }
  }

  private void exchange() throws Exception {
    String path = told.get("chroot") + "/tables/geo/countries";
    Stat stat = new Stat();
    byte[] data = client.getData().storingStatIn(stat).forPath(path);
    report.scenario("a reference table is read", () -> read(data));
    report.scenario(
        "a reference table is replaced",
        () -> {
          byte[] changed = changed(data);
          client.setData().withVersion(stat.getVersion()).forPath(path, changed);
          return report.ask("replaced");
        });
    report.scenario(
        "an overtaken version is refused",
        () -> {
          try {
            client.setData().withVersion(stat.getVersion()).forPath(path, data);
            return "written";
          } catch (KeeperException.BadVersionException expected) {
            return "refused";
          }
        });
  }

  private Object read(byte[] data) throws Exception {
    List<Object> rows = new ArrayList<>();
    try (ArrowStreamReader reader = reader(data)) {
      while (reader.loadNextBatch()) {
        VectorSchemaRoot root = reader.getVectorSchemaRoot();
        for (int row = 0; row < root.getRowCount(); row++) {
          rows.add(root.getVector("code").getObject(row) + " " + root.getVector("people").getObject(row));
        }
      }
    }
    return rows;
  }

  /** The table with one more row, its metadata and its compression as they were. */
  private byte[] changed(byte[] data) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ArrowStreamReader reader = reader(data)) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      reader.loadNextBatch();
      int rows = root.getRowCount();
      ((VarCharVector) root.getVector("code")).setSafe(rows, "jp".getBytes("UTF-8"));
      ((BigIntVector) root.getVector("people")).setSafe(rows, 124);
      root.setRowCount(rows + 1);
      try (ArrowStreamWriter writer =
          new ArrowStreamWriter(
              root,
              new DictionaryProvider.MapDictionaryProvider(),
              java.nio.channels.Channels.newChannel(out),
              IpcOption.DEFAULT,
              CommonsCompressionFactory.INSTANCE,
              CodecType.ZSTD)) {
        writer.start();
        writer.writeBatch();
        writer.end();
      }
    }
    return out.toByteArray();
  }

  private ArrowStreamReader reader(byte[] data) {
    return new ArrowStreamReader(
        new ByteArrayInputStream(data), allocator, CommonsCompressionFactory.INSTANCE);
  }
}
