"""Django: its Redis cache and sessions kept in it, from eight threads at once, as a web server uses them."""

import threading
from typing import Any

from compat.applications.report import Tally, run_job

THREADS = 8
VISITS = 25


def visit(session_key: str | None) -> str:
    """One request: the session is loaded, counted up, and saved."""
    from importlib import import_module  # noqa: PLC0415

    store: Any = import_module("django.contrib.sessions.backends.cache").SessionStore
    session = store(session_key=session_key)
    session["visits"] = session.get("visits", 0) + 1
    session["basket"] = [{"item": number, "name": "grüße"} for number in range(session["visits"] % 5)]
    session.save()
    return str(session.session_key)


def browse(number: int, cache: Any, tally: Tally) -> None:
    """One visitor: a session of its own, a counter and pages shared with all."""
    from importlib import import_module  # noqa: PLC0415

    key = None
    for turn in range(VISITS):
        key = visit(key)
        cache.incr("visits")
        page = cache.get_or_set(f"page:{turn}", lambda turn=turn: {"turn": turn, "html": "x" * 1000}, 60)
        tally.compare("page", page["turn"], turn)
        cache.set_many({f"part:{number}:{part}": part for part in range(5)}, 60)
    tally.compare("parts", len(cache.get_many([f"part:{number}:{part}" for part in range(5)])), 5)
    session = import_module("django.contrib.sessions.backends.cache").SessionStore(session_key=key)
    tally.compare("visits of a session", session.get("visits"), VISITS)
    session.delete()
    tally.compare("a deleted session", session.exists(key), False)


def job(port: int, seconds: float, tally: Tally) -> None:
    """Rounds until the time is over."""
    import django  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415

    backend = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"redis://127.0.0.1:{port}/1"}
    settings.configure(
        CACHES={"default": backend},
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        SECRET_KEY="of no use to anyone",
        INSTALLED_APPS=["django.contrib.sessions"],
    )
    django.setup()
    from django.core.cache import cache  # noqa: PLC0415

    for _ in tally.until(seconds):
        cache.set("visits", 0)
        threads = [threading.Thread(target=browse, args=(number, cache, tally)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tally.compare("visits of all", cache.get("visits"), THREADS * VISITS)
        tally.add(THREADS * VISITS)
    cache.clear()


if __name__ == "__main__":
    run_job(job)
