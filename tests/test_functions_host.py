"""The local functions host runs function apps with custom handlers as Azure's does: HTTP triggers,
the handler's process, apps that are broken. Queues are in test_functions_queues.py."""

import json
import os
import signal
import unittest

import harness
import vault
from function_app import HTTP_OUT, FunctionApp, http_in, is_alive, queue_in, queue_out
from harness import call, wait_until


class HttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.app = FunctionApp(
            {
                "echo": [http_in(authLevel="anonymous", methods=["get", "post"]), HTTP_OUT],
                "guarded": [http_in(), HTTP_OUT],
                "codes": [http_in(authLevel="anonymous", route="v1/{part}/{*rest}"), HTTP_OUT],
                "verify": [http_in(authLevel="anonymous", route="v1/verify/now"), HTTP_OUT],
                "made": [
                    http_in(authLevel="anonymous", route="made/{id:int}"),
                    HTTP_OUT,
                    queue_out("first", "http-first"),
                ],
            },
            settings={"COLOUR": "blue", "PATH": "/nowhere"},
        )
        cls.cloud = cls.app.run(command="cloud")
        cls.url = cls.cloud.endpoints["functions"]

    @classmethod
    def tearDownClass(cls):
        code = cls.cloud.stop()
        left = cls.cloud.left_behind()
        if code != 0 or left:
            raise AssertionError(f"{code} {left}\n{cls.cloud.log()[-4000:]}")

    def test_a_forwarded_request_arrives_as_it_was_and_its_answer_too(self):
        answer = call(
            "POST",
            self.url + "/api/echo?a=1%202&b",
            body=b"\x00 body",
            headers={"X-Mine": "kept", "Cookie": "c=1", "User-Agent": "me/1"},
        )
        self.assertEqual((answer.status, answer.headers["X-Answer"]), (203, "as it is"))
        got = answer.json()
        headers = dict(got["headers"])
        self.assertEqual((got["method"], got["path"]), ("POST", "/api/echo?a=1%202&b"))
        self.assertEqual(got["body"], "\x00 body")
        self.assertEqual((headers["X-Mine"], headers["Cookie"]), ("kept", "c=1"))
        self.assertRegex(headers["X-Azure-Functions-InvocationId"], "^[0-9a-f-]{36}$")
        self.assertRegex(headers["User-Agent"], "^me/1 Azure-Functions-Host/")

    def test_redirects_and_cookies_are_the_callers_business(self):
        answer = call("GET", self.url + "/api/v1/x/moved")
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "/elsewhere"))
        self.assertEqual(answer.headers["Set-Cookie"], "seen=1")
        again = call("GET", self.url + "/api/v1/x/again").json()
        self.assertNotIn("Cookie", dict(again["headers"]))

    def test_routes_and_methods(self):
        rows = [
            ("GET", "/api/echo", 203),
            ("GET", "/API/Echo/", 203),
            ("PUT", "/api/echo", 404),
            ("GET", "/api/codes", 404),
            ("GET", "/api/v1/a", 203),
            ("GET", "/api/v1/a/b/c", 203),
            ("GET", "/api/v1/verify/now", 203),
            ("GET", "/api/made/x", 404),
            ("GET", "/nothing", 404),
        ]
        for method, path, status in rows:
            with self.subTest(path=path, method=method):
                self.assertEqual(call(method, self.url + path).status, status)

    def test_keys_guard_a_function_and_the_app_is_listed(self):
        self.assertEqual(call("GET", self.url + "/api/guarded").status, 401)
        wrong = {"x-functions-key": "wrong"}
        self.assertEqual(call("GET", self.url + "/api/guarded", headers=wrong).status, 401)
        self.assertEqual(call("GET", self.url + "/admin/functions").status, 401)
        master = self.function_keys()["masterKey"]
        headers = {"x-functions-key": master}
        names = [f["name"] for f in call("GET", self.url + "/admin/functions", headers=headers).json()]
        self.assertEqual(names, ["codes", "echo", "guarded", "made", "RandomNumber", "verify"])
        keys = call("GET", self.url + "/admin/functions/guarded/keys", headers=headers).json()
        key = {"x-functions-key": keys["keys"][0]["value"]}
        self.assertEqual(call("GET", self.url + "/api/guarded", headers=key).status, 203)
        self.assertEqual(call("GET", self.url + "/api/RandomNumber", headers=key).status, 401)

    def function_keys(self):
        site = vault.Management(self.cloud, "operator")
        listed = site.call("GET", "Microsoft.Web/sites/any/functions").json()["value"]
        self.assertIn("/sites/any/functions/guarded", listed[2]["id"])
        return site.call("POST", "Microsoft.Web/sites/any/host/default/listkeys").json()

    def test_other_functions_get_data_and_metadata_and_give_outputs(self):
        self.app.answer(
            "made",
            body={
                "Outputs": {
                    "res": {"statusCode": "201", "headers": {"X-Made": "yes"}, "body": {"a": 1}},
                    "first": {"code": "ojE-161-pTv"},
                },
                "Logs": ["a line of the function"],
            },
        )
        answer = call("POST", self.url + "/api/made/7?q=x", body=b"text")
        self.assertEqual((answer.status, answer.json()), (201, {"a": 1}))
        self.assertEqual(answer.headers["X-Made"], "yes")
        got = json.loads(self.app.calls("/made")[-1]["body"])
        request = got["Data"]["req"]
        self.assertEqual((request["Method"], request["Body"]), ("POST", "text"))
        self.assertEqual((request["Query"], request["Params"]), ({"q": "x"}, {"id": "7"}))
        self.assertEqual(request["Url"], self.url + "/api/made/7?q=x")
        self.assertIsInstance(request["Headers"]["Host"], list)
        done = self.cloud.command("queue", "--queue", "http-first", "peek", "--json")
        self.assertEqual([m["content"] for m in json.loads(done.stdout)], ['{"code":"ojE-161-pTv"}'])
        self.assertIn("a line of the function", self.cloud.log())

    def test_failures_of_the_handler_are_500_and_give_no_output(self):
        outputs = {"Outputs": {"first": "lost"}}
        for answer in (
            {"status": 500, "body": outputs},
            {"raw": "no json"},
            {"raw": "[]"},
            {"body": {"Outputs": {"res": {"statusCode": "many"}, "first": "lost"}}},
        ):
            with self.subTest(answer=answer):
                self.app.answer("made", **answer)
                self.assertEqual(call("GET", self.url + "/api/made/1").status, 500)
        done = self.cloud.command("queue", "--queue", "http-first", "peek", "--json", check=False)
        self.assertNotIn("lost", done.stdout)

    def test_the_handlers_environment(self):
        wait_until(lambda: (self.app.folder / "environment.json").exists(), "the handler")
        got = self.app.environment()
        self.assertEqual(got["COLOUR"], "blue")
        self.assertEqual(got["PATH"], os.environ["PATH"], "the environment goes first")
        self.assertEqual(got["FUNCTIONS_APP_ROOT_PATH"], str(self.app.folder))
        self.assertEqual(got["FUNCTIONS_HTTPWORKER_PORT"], got["FUNCTIONS_CUSTOMHANDLER_PORT"])
        self.assertIn("IDENTITY_ENDPOINT", got)
        self.assertIn("Values.PATH is not used", self.cloud.log())
        self.assertIn("the handler begins first se cond", self.cloud.log())

    def test_a_handler_that_dies_is_started_again(self):
        call("GET", self.url + "/api/echo")
        before = self.app.pid()
        answer = call("GET", self.url + "/api/v1/x/die")
        self.assertEqual(answer.status, 500)
        self.assertIn(b"codes failed", answer.body)
        self.assertEqual(call("GET", self.url + "/api/echo").status, 203)
        self.assertNotEqual(self.app.pid(), before)
        self.assertIn("exit_status=3", self.cloud.log())


class BrokenAppTest(unittest.TestCase):
    FUNCTION = {"echo": [http_in(authLevel="anonymous"), HTTP_OUT]}

    def refusal(self, app, folder=None):
        done = harness.run_latchkey(
            "cloud", "--ports", "auto", "--data", harness.scratch_folder(), "--functions-app",
            folder or app.folder, check=False,
        )
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr.strip().splitlines()[-1]

    def test_what_is_wrong_is_named_with_file_and_field(self):
        timer = {"type": "timerTrigger", "direction": "in", "name": "t", "schedule": "0 * * * * *"}
        rows = [
            ({"host.json": {"version": "1.0"}}, 'host.json: version must be "2.0"'),
            ({"host.json": {"version": "2.0"}}, "host.json: customHandler is missing"),
            ({"echo/function.json": {}}, "echo/function.json: bindings must be a list"),
            (
                {"echo/function.json": {"bindings": [timer]}},
                "echo/function.json: bindings[0].type is timerTrigger",
            ),
            (
                {"echo/function.json": {"bindings": [queue_in("%MISSING%")]}},
                "echo/function.json: bindings[0].queueName cannot be resolved: there is no setting",
            ),
            (
                {"echo/function.json": {"bindings": [queue_in("orders", connection="Mine")]}},
                "bindings[0].connection cannot be used: there is no setting Mine",
            ),
        ]
        for files, message in rows:
            with self.subTest(message=message):
                app = FunctionApp(self.FUNCTION)
                for name, value in files.items():
                    app.write(name, value)
                self.assertIn(message, self.refusal(app))
        self.assertIn("there is no host.json", self.refusal(None, harness.scratch_folder()))

    def test_what_makes_no_difference_here_is_told(self):
        app = FunctionApp(self.FUNCTION, http={"maxConcurrentRequests": 1})
        cloud = app.run()
        self.assertIn("host.json: extensions.http.maxConcurrentRequests is not", cloud.log())
        self.assertEqual(cloud.stop(), 0)

    def test_a_handler_that_cannot_begin_is_told_and_tried_again(self):
        app = FunctionApp(self.FUNCTION, settings={"HANDLER_START": "die"})
        cloud = app.run()
        wait_until(lambda: cloud.log().count("cannot go on") > 1, "the second start")
        self.assertIn("exit_status=1", cloud.log())
        self.assertEqual(cloud.stop(), 0)
        self.assertEqual(cloud.left_behind(), [])

    def test_a_handler_that_does_not_listen_is_ended_with_us(self):
        app = FunctionApp(self.FUNCTION, settings={"HANDLER_START": "never"})
        cloud = app.run()
        wait_until(lambda: (app.folder / "handler.pid").exists(), "the handler")
        self.assertEqual(cloud.stop(), 0)
        self.assertFalse(is_alive(app.pid()))

    def test_no_handler_is_left_when_we_are_killed(self):
        app = FunctionApp(self.FUNCTION)
        cloud = app.run()
        call("GET", cloud.endpoints["functions"] + "/api/echo")
        pid = app.pid()
        self.assertTrue(is_alive(pid))
        os.kill(cloud.pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), "the handler's end")

    def test_two_apps_run_side_by_side_unless_they_share_a_function(self):
        one, other = FunctionApp(self.FUNCTION), FunctionApp({"two": [http_in(), HTTP_OUT]})
        cloud = one.run(more=["--functions-app", other.folder])
        master = vault.Management(cloud, "operator").call(
            "POST", "Microsoft.Web/sites/a/host/default/listkeys"
        ).json()["masterKey"]
        headers = {"x-functions-key": master}
        url = cloud.endpoints["functions"]
        self.assertEqual(call("GET", url + "/api/two", headers=headers).status, 203)
        self.assertEqual(call("GET", url + "/api/echo").status, 203)
        self.assertEqual(cloud.stop(), 0)
        done = harness.run_latchkey(
            "cloud", "--ports", "auto", "--data", harness.scratch_folder(),
            "--functions-app", one.folder, "--functions-app", one.folder, check=False,
        )
        self.assertIn("both have a function echo", done.stderr)


if __name__ == "__main__":
    unittest.main()
