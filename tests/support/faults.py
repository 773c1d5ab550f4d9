"""What can happen to a cluster, inflicted for real, one fault after another.

Each fault leaves the cluster as it found it: all nodes there, all machines connected.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.support.cluster import Cluster
from tests.support.zookeeper_server import ZooKeeperServer

NODES = ("n1", "n2", "n3")
_SLOW_S, _RUNS_S, _STOPS_S = 5.0, 0.02, 0.08


@dataclass(frozen=True)
class Scene:
    """What faults are inflicted on."""

    cluster: Cluster
    zookeeper: ZooKeeperServer


def killed(scene: Scene) -> None:
    """SIGKILL, again and again; each is started again, and one more is always there."""
    for node_id in NODES:
        scene.cluster.kill(node_id)
        time.sleep(1)
        scene.cluster.start(node_id)


def frozen(scene: Scene) -> None:
    """SIGSTOP for longer than its session lasts."""
    scene.cluster.freeze("n3")
    time.sleep(6)
    scene.cluster.thaw("n3")


def cut_off(scene: Scene) -> None:
    """A machine that nothing reaches any more, not even a refusal."""
    scene.cluster.cut("n2")
    time.sleep(6)
    scene.cluster.heal("n2")


def restarted_in_turn(scene: Scene) -> None:
    """A rolling restart: each is drained, ends, and comes back before the next one goes."""
    for node_id in NODES:
        assert scene.cluster.terminate(node_id) == 0
        scene.cluster.start(node_id)


def drained(scene: Scene) -> None:
    """One leaves in order, and stays away for a while."""
    assert scene.cluster.terminate("n1") == 0
    time.sleep(3)
    scene.cluster.start("n1")


def slow(scene: Scene) -> None:
    """A node that gets a fifth of the time it would need."""
    done = threading.Event()

    def stutter() -> None:
        while not done.wait(_RUNS_S):
            scene.cluster.freeze("n1")
            time.sleep(_STOPS_S)
            scene.cluster.thaw("n1")

    with ThreadPoolExecutor(1, thread_name_prefix="stutter") as pool:
        stuttering = pool.submit(stutter)
        time.sleep(_SLOW_S)
        done.set()
        stuttering.result()


def without_zookeeper(scene: Scene) -> None:
    """ZooKeeper is killed, and stays away for longer than all sessions."""
    scene.zookeeper.kill()
    time.sleep(6)
    scene.zookeeper.restart()


def killed_without_zookeeper(scene: Scene) -> None:
    """A node dies while nobody can say so."""
    scene.zookeeper.kill()
    time.sleep(1)
    scene.cluster.kill("n2")
    time.sleep(3)
    scene.zookeeper.restart()
    scene.cluster.start("n2")


FAULTS: Mapping[str, Callable[[Scene], None]] = {
    "killed": killed,
    "frozen": frozen,
    "cut off": cut_off,
    "restarted in turn": restarted_in_turn,
    "drained": drained,
    "slow": slow,
    "without ZooKeeper": without_zookeeper,
    "killed without ZooKeeper": killed_without_zookeeper,
}
