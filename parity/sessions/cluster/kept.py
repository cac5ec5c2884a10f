"""What a node's process keeps from one cell to the next."""

from functools import lru_cache

from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.sessions.cluster import judge_main
from parity.sessions.session import Session


@lru_cache(1)
def session(options: Options) -> Session:
    """Return a session that lasts as long as this process."""
    return judge_main.KEPT.enter_context(Session(options, Progress(), kept=True))
