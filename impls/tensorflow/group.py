"""The group of workers that TensorFlow's ports spread over, and the strategy by which they do."""

import json
import os

import tensorflow as tf

_strategy = None


def join(rank, addresses, timeout):
    """Become worker `rank` of as many as there are addresses; return once all are there.

    It comes before anything else: collectives are set up before the first operation. Each worker
    listens at its own address ("127.0.0.1:29500"). `timeout`, in seconds, holds for every call in
    which the workers wait for each other.
    """
    global _strategy
    task = {"type": "worker", "index": rank}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
    _strategy = tf.distribute.MultiWorkerMirroredStrategy(
        communication_options=tf.distribute.experimental.CommunicationOptions(
            implementation=tf.distribute.experimental.CommunicationImplementation.RING,
            timeout_seconds=timeout,
        )
    )


def strategy():
    """Return the strategy of the group."""
    return _strategy


def place():
    """Return the rank of this worker, and how many there are."""
    return _strategy.cluster_resolver.task_id, _strategy.num_replicas_in_sync


def leave():
    """Do nothing: a worker leaves as its process ends."""
