"""The registry on Apache ZooKeeper (`zk://`)."""
