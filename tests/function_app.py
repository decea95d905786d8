"""A function app for tests: a folder with host.json, functions and a handler in Python."""

import json
import pathlib
import shutil
import sys

import harness

HANDLER = harness.CLIENTS / "function_handler.py"
HTTP_OUT = {"type": "http", "direction": "out", "name": "res"}


def http_in(**more):
    return {"type": "httpTrigger", "direction": "in", "name": "req", **more}


def queue_in(queue, **more):
    return {"type": "queueTrigger", "direction": "in", "name": "item", "queueName": queue, **more}


def queue_out(name, queue, **more):
    return {"type": "queue", "direction": "out", "name": name, "queueName": queue, **more}


def is_alive(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class FunctionApp:
    def __init__(
        self, functions, settings=None, forwards=True, functionTimeout="00:05:00", **extensions
    ):
        self.folder = harness.scratch_folder()
        shutil.copy(HANDLER, self.folder / "handler.py")
        queues = {"messageEncoding": "none", "maxPollingInterval": "00:00:00.2"}
        queues.update(extensions.get("queues", {}))
        self.write(
            "host.json",
            {
                "version": "2.0",
                "functionTimeout": functionTimeout,
                "customHandler": {
                    "description": {
                        "defaultExecutablePath": sys.executable,
                        "arguments": ["handler.py", "first", "se cond"],
                    },
                    "enableForwardingHttpRequest": forwards,
                },
                "extensions": {"http": extensions.get("http", {}), "queues": queues},
            },
        )
        values = {"FUNCTIONS_WORKER_RUNTIME": "custom", **(settings or {})}
        if not any(name.startswith("AzureWebJobsStorage") for name in values):
            values["AzureWebJobsStorage"] = "UseDevelopmentStorage=true"
        self.write("local.settings.json", {"IsEncrypted": False, "Values": values})
        for name, bindings in functions.items():
            (self.folder / name).mkdir()
            self.write(f"{name}/function.json", {"bindings": bindings})

    def write(self, name, value):
        part = self.folder / f"{name}.part"
        part.write_text(json.dumps(value))
        part.rename(self.folder / name)

    def answer(self, function, **answer):
        self.write(f"{function}.answer.json", answer)

    def hold(self, function):
        """Its invocations wait until `release`."""
        (self.folder / f"{function}.wait").touch()

    def release(self, function):
        (self.folder / f"{function}.wait").unlink()

    def calls(self, path=None):
        file = self.folder / "calls.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        calls = [json.loads(line) for line in lines]
        return [call for call in calls if path in (None, call["path"])]

    def environment(self):
        return json.loads((self.folder / "environment.json").read_text())

    def pid(self):
        return int((self.folder / "handler.pid").read_text())

    def run(self, identity="app", command="cloud", more=(), **how):
        option = f"{self.folder}={identity}"
        return harness.Latchkey("--functions-app", option, *more, command=command, **how)
