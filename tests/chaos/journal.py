"""The one log of a chaos run, and its clock: the truth that all other clocks are measured by."""

import json
import time


class Journal:
    def __init__(self, path):
        self.path = path
        self.records = []
        self.file = path.open("w")
        # Steady, whatever happens to the system's clock while we run.
        self.began = time.time() - time.monotonic()

    def now(self):
        """Seconds since 1970."""
        return self.began + time.monotonic()

    def write(self, event, **members):
        record = {"event": event, **members}
        self.records.append(record)
        self.file.write(json.dumps(record) + "\n")
        self.file.flush()

    def drift(self):
        """How far the system's clock has moved away from ours, in seconds."""
        return time.time() - self.now()
