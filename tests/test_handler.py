"""`latchkey handler` without a functions host: what one would send, by hand."""

import datetime
import json
import unittest

import harness
import storage
from test_operations import Recorder

QUEUE = "code-requests"


def handler_settings(cloud, **settings):
    return {
        **cloud.environment_of("app"),
        "FUNCTIONS_CUSTOMHANDLER_PORT": "0",
        "API_OPEN": "true",
        **settings,
    }


class Handler(harness.Process, harness.Api):
    """`latchkey handler`, as a functions host would start it."""

    def __init__(self, cloud, **settings):
        arguments = [harness.BINARY, "--data", harness.scratch_folder(), "handler"]
        super().__init__(arguments, handler_settings(cloud, **settings))
        harness.wait_until(lambda: not self.running() or "port" in self.output(), "the handler")
        if not self.running():
            raise AssertionError(f"latchkey handler ended:\n{self.everything_written()}")
        self.api = f"http://127.0.0.1:{self.output().split()[-1]}"

    def post(self, function, data, metadata=None):
        body = {"Data": data, "Metadata": metadata or {}}
        return harness.call("POST", f"{self.api}/{function}", json_body=body)

    def get_code_by_binding(self):
        request = {"Url": "http://localhost/api/v1/getcode", "Method": "GET", "Headers": {}}
        return self.post("getcode", {"req": request}).json()["Outputs"]

    def trigger(self, text):
        now = datetime.datetime.now(datetime.timezone.utc)
        metadata = {
            "Id": "an-id",
            "InsertionTime": now.isoformat(timespec="seconds"),
            "ExpirationTime": (now + datetime.timedelta(days=7)).isoformat(timespec="seconds"),
        }
        return self.post("watch", {"message": text}, metadata)


class WithoutAHost(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = harness.Latchkey("--test-controls", command="cloud")
        cls.addClassCleanup(cls.cloud.kill)
        cls.queue = storage.account_of(cls.cloud).queue(QUEUE)

    def start(self, **settings):
        handler = Handler(self.cloud, **settings)
        self.addCleanup(handler.kill)
        return handler

    def test_a_code_lives_from_the_binding_to_the_second_trigger(self):
        handler = self.start(CODE_LIFETIME="2s")
        outputs = handler.get_code_by_binding()
        self.assertEqual(200, outputs["res"]["statusCode"])
        self.assertEqual(outputs["msg"], json.loads(outputs["res"]["body"]))
        self.assertEqual([], self.queue.peek(), "the message is the host's to put")
        code = outputs["msg"]["code"]
        self.assertRegex(code, harness.CODE_FORM)
        self.assertEqual(409, handler.verify(code).status)

        self.assertEqual(200, handler.trigger(json.dumps(outputs["msg"])).status)
        self.assertEqual(200, handler.verify(code).status)
        again = harness.wait_until(self.queue.peek, "the message to come again")
        self.assertEqual(outputs["msg"], json.loads(again[0]))
        self.assertEqual(200, handler.trigger(again[0]).status)
        self.assertEqual(0, handler.stop())

    def test_the_host_is_answered_while_the_vault_is_waited_for(self):
        self.addCleanup(self.cloud.command, "fault", "clear")
        self.cloud.command("fault", "set", "vault", "503")
        port = harness.free_port()
        arguments = [harness.BINARY, "--data", harness.scratch_folder(), "handler"]
        settings = handler_settings(self.cloud, FUNCTIONS_CUSTOMHANDLER_PORT=str(port))
        handler = harness.Process(arguments, settings)
        self.addCleanup(handler.kill)
        harness.wait_until(lambda: "vault_not_ready" in handler.output(), "the first try")
        self.assertEqual(200, harness.call("GET", f"http://127.0.0.1:{port}/").status)
        self.cloud.command("fault", "clear")
        # Waits for the start to be over, and is then answered.
        self.assertEqual(200, harness.call("GET", f"http://127.0.0.1:{port}/readyz").status)

    def test_its_traces_go_to_the_collector(self):
        collector = Recorder()
        self.addCleanup(collector.close)
        handler = self.start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        message = json.dumps(handler.get_code_by_binding()["msg"])
        self.assertEqual(200, handler.trigger(message).status)
        self.assertEqual(0, handler.stop())  # What is left is sent at the end.
        names = {span["name"] for span in collector.spans()}
        self.assertLessEqual({"POST /getcode", "table insert", "POST /watch", "table activate"},
                             names)

    def test_on_azure_the_code_table_cannot_be_a_file(self):
        settings = handler_settings(self.cloud, WEBSITE_INSTANCE_ID="0a1b")
        done = harness.run_latchkey("handler", check=False, environment=settings)
        self.assertEqual(2, done.returncode)
        self.assertIn("CODE_TABLE_URL", done.stderr)
