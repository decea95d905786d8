"""Queue triggers and outputs of function apps: success, retries and poison, encodings, the Base64
trap, connections by identity and their refusals, handlers that fail while messages are worked on."""

import base64
import json
import os
import signal
import unittest

import harness
from function_app import HTTP_OUT, FunctionApp, http_in, queue_in, queue_out
from harness import call, wait_until

IDENTITY_CONNECTION = {
    "Mine__queueServiceUri": "https://devstoreaccount1.queue.core.windows.net",
    "Mine__credential": "managedidentity",
}


class QueuesTest(unittest.TestCase):
    def start(self, app, **how):
        self.app = app
        self.cloud = app.run(**how)
        self.addCleanup(self.cloud.kill)
        return self.cloud

    def stop(self):
        self.assertEqual(self.cloud.stop(), 0, self.cloud.log()[-4000:])
        self.assertEqual(self.cloud.left_behind(), [])

    def queue(self, name, *arguments, **how):
        return self.cloud.command("queue", "--queue", name, *arguments, **how)

    def put(self, name, text):
        self.queue(name, "create", check=False)
        self.queue(name, "put", text)

    def texts(self, name):
        done = self.queue(name, "peek", "--json", check=False)
        return [m["content"] for m in json.loads(done.stdout)] if done.returncode == 0 else []

    def left(self, name):
        """How many messages the queue has, hidden ones as well."""
        done = self.queue(name, "stats", "--json")
        return json.loads(done.stdout)["approximateMessageCount"]

    def wait_for_text(self, name, text):
        wait_until(lambda: text in self.texts(name), f"{text} in {name}: {self.cloud.log()}")

    def wait_for_calls(self, path, count):
        return wait_until(
            lambda: self.app.calls(path) if len(self.app.calls(path)) >= count else None,
            f"{count} calls of {path}",
        )

    def test_a_message_is_run_its_outputs_are_put_and_it_is_deleted(self):
        self.start(
            FunctionApp(
                {
                    "work": [
                        queue_in("orders"),
                        queue_out("one", "results"),
                        queue_out("many", "%MANY%"),
                        queue_out("$return", "returned"),
                    ]
                },
                settings={"MANY": "Several"},
            )
        )
        self.app.answer(
            "work",
            body={
                "Outputs": {"one": {"a": 1}, "many": ["abcd", {"b": 2}, 3]},
                "ReturnValue": "plain text",
            },
        )
        self.put("orders", '{"id":"of the message","n":7}')
        self.wait_for_text("returned", "plain text")
        self.assertEqual(self.texts("results"), ['{"a":1}'])
        self.assertEqual(self.texts("several"), ["abcd", '{"b":2}', "3"])
        wait_until(lambda: self.left("orders") == 0, "the deletion")
        got = json.loads(self.wait_for_calls("/work", 1)[0]["body"])
        # JSON in a JSON text, and members of the message in place of those of the metadata.
        self.assertEqual(json.loads(got["Data"]["item"]), '{"id":"of the message","n":7}')
        metadata = got["Metadata"]
        self.assertEqual((metadata["DequeueCount"], metadata["n"]), ("1", '"7"'))
        self.assertEqual(metadata["Id"], '"of the message"')
        self.assertRegex(metadata["InsertionTime"], r"^\d{4}-.*\+00:00$")
        self.assertEqual(metadata["sys"]["MethodName"], "work")
        self.stop()

    def test_a_message_that_fails_five_times_is_poison(self):
        self.start(FunctionApp({"work": [queue_in("orders"), queue_out("one", "results")]}))
        self.app.answer("work", status=500, body={"Outputs": {"one": "lost"}})
        self.put("orders", "no good")
        self.wait_for_text("orders-poison", "no good")
        counts = [json.loads(c["body"])["Metadata"]["DequeueCount"] for c in self.app.calls("/work")]
        self.assertEqual(counts, ["1", "2", "3", "4", "5"])
        wait_until(lambda: self.left("orders") == 0, "the deletion")
        self.assertEqual(self.texts("results"), [])
        self.assertIn("its handler failed: it answered 500", self.cloud.log())
        self.stop()

    def test_a_queue_of_poison_has_none(self):
        self.start(
            FunctionApp({"work": [queue_in("old-poison")]}, queues={"maxDequeueCount": 1})
        )
        self.app.answer("work", raw="rubbish")
        self.put("old-poison", "left")
        self.wait_for_calls("/work", 1)
        self.assertEqual(self.texts("old-poison-poison"), [])
        self.assertEqual(self.left("old-poison"), 1)
        self.stop()

    def test_base64_unless_host_json_says_none(self):
        self.start(
            FunctionApp(
                {"work": [queue_in("orders"), queue_out("one", "results")]},
                queues={"messageEncoding": "base64", "maxDequeueCount": 2},
            )
        )
        self.app.answer("work", body={"Outputs": {"one": {"a": 1}}})
        self.put("orders", base64.b64encode(b"encoded").decode())
        self.wait_for_text("results", base64.b64encode(b'{"a":1}').decode())
        got = json.loads(self.app.calls("/work")[0]["body"])
        self.assertEqual(got["Data"]["item"], '"encoded"')
        self.put("orders", "{plain}")
        self.wait_for_text("orders-poison", "{plain}")
        self.assertEqual(len(self.app.calls("/work")), 1)
        self.assertIn("extensions.queues.messageEncoding", self.cloud.log())
        self.stop()

    def test_an_output_that_happens_to_be_base64_is_taken_for_bytes(self):
        self.start(
            FunctionApp(
                {
                    "work": [
                        http_in(authLevel="anonymous"),
                        HTTP_OUT,
                        queue_out("one", "results"),
                        queue_out("two", "results", dataType="binary"),
                    ]
                }
            )
        )
        url = self.cloud.endpoints["functions"] + "/api/work"
        text = base64.b64encode(b"hello").decode()
        self.app.answer("work", body={"Outputs": {"one": text, "two": text}})
        self.assertEqual(call("GET", url).status, 200)
        self.assertEqual(self.texts("results"), ["hello", text])
        self.app.answer("work", body={"Outputs": {"one": "ojEXpTvx"}})
        answer = call("GET", url)
        self.assertEqual(answer.status, 500)
        self.assertIn(b"Base64", answer.body)
        self.stop()

    def test_an_identity_needs_its_roles(self):
        functions = {
            "work": [
                queue_in("orders", connection="Mine"),
                queue_out("one", "results", connection="Mine"),
            ]
        }
        app = FunctionApp(functions, settings=IDENTITY_CONNECTION)
        app.answer("work", body={"Outputs": {"one": {"a": 1}}})
        self.start(app, identity="shop")
        self.put("orders", "first")
        self.queue("results", "create")
        wait_until(lambda: "Message Processor" in self.cloud.log(), "the refusal")
        self.assertEqual(app.calls("/work"), [])
        self.assign("Storage Queue Data Message Processor", "orders")
        self.wait_for_calls("/work", 1)
        wait_until(lambda: "outputs Storage Queue Data Message Sender" in self.cloud.log(), "refusal")
        self.assign("Storage Queue Data Message Sender", "results")
        # Not even poison is lost: the app may not write there, so the message stays hidden.
        self.assertEqual(self.texts("orders-poison"), [])
        self.put("orders", "second")
        self.wait_for_text("results", '{"a":1}')
        self.stop()

    def assign(self, role, queue):
        self.cloud.command("role", "assign", "--assignee", "shop", "--role", role, "--queue", queue)

    def test_a_user_assigned_identity_must_be_attached(self):
        before = self.cloud = harness.Latchkey(command="cloud")
        self.addCleanup(before.kill)
        before.command("identity", "create", "shared", "--user-assigned")
        shown = json.loads(before.command("identity", "show", "shared", "--json").stdout)
        role = ("--role", "Storage Queue Data Message Processor", "--queue", "orders")
        self.put("orders", "text")
        before.command("role", "assign", "--assignee", "shared", *role)
        self.stop()
        app = FunctionApp(
            {"work": [queue_in("orders", connection="Mine")]},
            settings={**IDENTITY_CONNECTION, "Mine__clientId": shown["properties"]["clientId"]},
        )
        self.start(app, identity="shop", data=before.data)
        wait_until(
            lambda: "identity shop has no user-assigned identity" in self.cloud.log(), "the refusal"
        )
        self.cloud.command("identity", "attach", "shared", "--app", "shop")
        self.wait_for_calls("/work", 1)
        self.stop()

    def test_a_handler_that_dies_at_work_loses_nothing(self):
        self.start(FunctionApp({"work": [queue_in("orders")]}))
        self.app.hold("work")
        self.put("orders", "kept")
        self.wait_for_calls("/work", 1)
        os.kill(self.app.pid(), signal.SIGKILL)
        self.app.release("work")
        calls = self.wait_for_calls("/work", 2)
        self.assertEqual(json.loads(calls[1]["body"])["Metadata"]["DequeueCount"], "2")
        wait_until(lambda: self.left("orders") == 0, "the deletion")
        self.assertEqual(self.texts("orders-poison"), [])
        self.stop()

    def test_a_handler_that_takes_too_long_is_started_again_and_the_message_run_again(self):
        app = FunctionApp({"work": [queue_in("orders")]}, functionTimeout="00:00:01")
        self.start(app)
        app.hold("work")
        self.put("orders", "slow")
        self.wait_for_calls("/work", 1)
        wait_until(lambda: "function_timeout" in self.cloud.log(), "the timeout")
        app.release("work")
        calls = self.wait_for_calls("/work", 2)
        self.assertNotEqual(calls[0]["pid"], calls[-1]["pid"])
        wait_until(lambda: self.left("orders") == 0, "the deletion")
        self.stop()

    def test_what_runs_at_the_stop_ends_well(self):
        self.start(FunctionApp({"work": [queue_in("orders")]}))
        self.app.hold("work")
        self.put("orders", "last")
        self.wait_for_calls("/work", 1)
        self.cloud.child.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in self.cloud.log(), "the stop")
        self.app.release("work")
        self.assertEqual(self.cloud.child.wait(30), 0, self.cloud.log())
        self.start(self.app, data=self.cloud.data)
        self.assertEqual(self.left("orders"), 0)
        self.assertEqual(len(self.app.calls("/work")), 1)
        self.stop()

    def test_disabled_functions_get_nothing(self):
        self.start(
            FunctionApp(
                {
                    "off": [queue_in("orders")],
                    "web": [http_in(authLevel="anonymous"), HTTP_OUT],
                    "on": [queue_in("others")],
                },
                settings={
                    "AzureWebJobs.off.Disabled": "true",
                    "AzureWebJobs.web.Disabled": "1",
                },
            )
        )
        self.assertEqual(call("GET", self.cloud.endpoints["functions"] + "/api/web").status, 404)
        self.put("orders", "stays")
        self.put("others", "goes")
        self.wait_for_calls("/on", 1)
        self.assertEqual(self.texts("orders"), ["stays"])
        self.stop()


if __name__ == "__main__":
    unittest.main()
