"""What an operator sees: metrics, alerts and their runbook, logs, traces at a collector."""

import http.server
import json
import re
import shutil
import subprocess
import threading
import unittest

import harness
from harness import ROOT, Latchkey, Part, call, wait_until

MONITORING = ROOT / "deploy" / "monitoring"
RUNBOOK = ROOT / "docs" / "operations.md"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


def read_metrics(url):
    """Samples by their series, as in the text."""
    answer = call("GET", url)
    if answer.status != 200:
        raise AssertionError(answer)
    lines = answer.body.decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {series: float(value) for series, _, value in samples}


def families(samples):
    """The names that queries may use."""
    return {series.partition("{")[0] for series in samples}


def names_in(text):
    return set(re.findall(r"\b(?:latchkey|process)_[a-z_]+", text))


class Recorder(http.server.ThreadingHTTPServer):
    """Takes every POST and GET and keeps what was sent; answers `answer`."""

    def __init__(self, answer=b"{}"):
        self.requests = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def take(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                recorder.requests.append((self.path, dict(self.headers), body))
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = take

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def spans(self):
        found = []
        for path, _, body in list(self.requests):
            assert path == "/v1/traces", path
            for resource in json.loads(body)["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    found += scope["spans"]
        return found

    def close(self):
        self.shutdown()
        self.server_close()


def attributes(span):
    return {
        item["key"]: next(iter(item["value"].values())) for item in span.get("attributes", ())
    }


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.latchkey = Latchkey(environment={"METRICS_PORT": "0", "QUEUE_PROBE_INTERVAL": "1s"})
        cls.url = cls.latchkey.endpoints["metrics"]

    @classmethod
    def tearDownClass(cls):
        code = cls.latchkey.stop()
        if code != 0:
            raise AssertionError(cls.latchkey.log()[-4000:])
        super().tearDownClass()

    def test_a_code_is_counted_on_its_whole_way(self):
        before = read_metrics(self.url)
        code = self.latchkey.get_code()
        self.assertEqual(200, self.latchkey.verify_when_active(code).status)
        after = read_metrics(self.url)

        def grown(series):
            return after[series] - before[series]

        for series in (
            'latchkey_issues_total{outcome="issued"}',
            "latchkey_issue_seconds_count",
            "latchkey_activation_lag_seconds_count",
            "latchkey_watcher_activated_total",
            'latchkey_table_operations_total{operation="insert",outcome="answered"}',
            'latchkey_audit_events_total{event="code_accepted"}',
        ):
            # show_first_code of `up` may be under way beside us.
            self.assertGreaterEqual(grown(series), 1, series)
        self.assertGreaterEqual(grown('latchkey_verifications_total{outcome="accepted"}'), 1)
        self.assertGreaterEqual(
            grown('latchkey_dependency_requests_total{dependency="number_api",outcome="ok"}'), 1
        )
        self.assertLess(after["latchkey_oldest_unactivated_seconds"], 5)
        self.assertGreater(after["process_resident_memory_bytes"], 1_000_000)
        tokens = [s for s in after if s.startswith("latchkey_token_remaining_seconds{")]
        self.assertTrue(any('part="watcher"' in series for series in tokens), tokens)

    def test_whatever_alerts_and_dashboard_ask_for_is_there_from_the_start(self):
        there = families(read_metrics(self.url))
        for file in (MONITORING / "alerts.yml", MONITORING / "grafana" / "latchkey.json"):
            asked = names_in(file.read_text())
            self.assertGreater(len(asked), 10, file)
            self.assertEqual(set(), asked - there, f"{file.name} asks for what there is not")

    def test_the_apis_own_port_shows_them_as_well_while_it_is_open(self):
        self.assertIn(
            "latchkey_issues_total", families(read_metrics(self.latchkey.api + "/metrics"))
        )

    def test_no_sample_has_a_subject_or_a_code(self):
        subject = "somebody@example.com"
        made = call(
            "POST", self.latchkey.api + "/api/v1/codes", json_body={"subject": subject}
        ).json()
        text = call("GET", self.url).body.decode()
        for secret in (subject, made["code"], made["id"]):
            self.assertNotIn(secret, text)


class OperatorsPort(unittest.TestCase):
    def test_the_watcher_tells_whether_it_can_work(self):
        cloud = Latchkey(command="cloud")
        watcher = Part("watch", cloud, "watcher", METRICS_PORT="0")
        port = wait_until(
            lambda: re.search(r"http://localhost:\d+(?=/metrics)", watcher.output()), "the port"
        )[0]
        self.assertEqual(200, call("GET", port + "/healthz").status)
        ready = call("GET", port + "/readyz")
        self.assertEqual(200, ready.status, ready)
        names = {check["name"] for check in ready.json()["checks"]}
        self.assertLessEqual({"queue", "table", "clock"}, names)
        self.assertEqual(0, cloud.stop())

        def not_ready():
            answer = call("GET", port + "/readyz")
            return answer if answer.status == 503 else None

        checks = wait_until(not_ready, "the watcher to see that the queue is away").json()["checks"]
        queue = next(check for check in checks if check["name"].startswith("queue"))
        self.assertFalse(queue["ok"])
        self.assertIn("code-requests", queue["problem"])
        self.assertEqual(0, watcher.stop())


class Logs(unittest.TestCase):
    def test_each_line_is_json_and_each_request_has_one(self):
        latchkey = Latchkey("--log-format", "json")
        answer = call(
            "GET",
            latchkey.api + "/api/v1/getcode?note=in-the-query",
            headers={"X-Request-Id": "job-7", "traceparent": TRACEPARENT},
        )
        self.assertEqual("job-7", answer.headers["X-Request-Id"])
        code = answer.json()["code"]
        refused = call("POST", latchkey.api + "/api/v1/verify", json_body={"code": "abc-1-abc"})
        self.assertEqual(refused.headers["X-Request-Id"], refused.json()["request_id"])
        call("GET", latchkey.api + "/healthz")
        self.assertEqual(0, latchkey.stop())
        lines = [json.loads(line) for line in latchkey.log().splitlines()]
        requests = [line for line in lines if line["event"] == "request"]
        mine = [line for line in requests if line["request_id"] == "job-7"]
        self.assertEqual(1, len(mine), requests)
        self.assertEqual(
            ("GET", "/api/v1/getcode", 200, TRACE_ID),
            tuple(mine[0][name] for name in ("method", "route", "status", "trace_id")),
        )
        self.assertEqual([], [line for line in requests if line["route"] == "/healthz"])
        for secret in (code, "in-the-query", "abc-1-abc"):
            self.assertNotIn(secret, latchkey.log())


class Traces(unittest.TestCase):
    def test_a_request_is_one_trace_from_its_caller_to_every_dependency(self):
        collector = Recorder()
        number_api = Recorder(b'{"value": 161}')
        cloud = Latchkey(command="cloud")
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=of-the-collector",
            "OTEL_SERVICE_NAME": "codes",
        }
        api = Part(
            "serve",
            cloud,
            "api",
            THIRD_PARTY_API_ENDPOINT=number_api.url + "/api/RandomNumber",
            **settings,
        )
        watcher = Part("watch", cloud, "watcher", **settings)
        answer = call("GET", api.api + "/api/v1/getcode", headers={"traceparent": TRACEPARENT})
        api.verify_when_active(answer.json()["code"])

        # What is left is sent at the end.
        self.assertEqual(0, api.stop())
        self.assertEqual(0, watcher.stop())
        spans = collector.spans()
        trace = [span for span in spans if span["traceId"] == TRACE_ID]
        by_name = {span["name"]: span for span in trace}
        server = by_name["GET /api/v1/getcode"]
        self.assertEqual(("b7ad6b7169203331", 2), (server["parentSpanId"], server["kind"]))
        for name in ("GET number_api", "table insert", "POST queue", "GET vault"):
            self.assertEqual(server["spanId"], by_name[name]["parentSpanId"], name)
            self.assertGreaterEqual(by_name[name]["startTimeUnixNano"], server["startTimeUnixNano"])
        self.assertEqual(
            f"00-{TRACE_ID}-{by_name['GET number_api']['spanId']}-01",
            number_api.requests[0][1]["traceparent"],
        )

        # The watcher's visit is a trace of its own; the row's id joins them.
        id = attributes(by_name["table insert"])["latchkey.code.id"]
        visits = [
            span
            for span in spans
            if span["name"] == "table activate"
            and attributes(span).get("latchkey.code.id") == id
        ]
        self.assertEqual(1, len(visits))
        self.assertNotEqual(TRACE_ID, visits[0]["traceId"])

        self.assertEqual("of-the-collector", collector.requests[0][1]["api-key"])
        everything = b"".join(body for _, _, body in collector.requests).decode()
        self.assertNotIn(answer.json()["code"], everything)
        self.assertIn('"codes"', everything)
        collector.close()
        number_api.close()
        cloud.stop()

    def test_a_collector_that_is_away_costs_nobody_anything(self):
        nobody = Recorder()
        nobody.close()
        latchkey = Latchkey(
            environment={"OTEL_EXPORTER_OTLP_ENDPOINT": nobody.url, "METRICS_PORT": "0"}
        )
        for _ in range(5):
            latchkey.get_code()
        samples = read_metrics(latchkey.endpoints["metrics"])
        self.assertEqual(0, samples['latchkey_spans_total{outcome="exported"}'])
        self.assertEqual(0, latchkey.stop())
        self.assertIn("traces_not_exported", latchkey.log())


class Runbook(unittest.TestCase):
    def alerts(self):
        return re.findall(r"- alert: (\w+)", (MONITORING / "alerts.yml").read_text())

    def test_each_alert_has_its_section_and_each_section_its_alert(self):
        sections = re.findall(r"^### (Latchkey\w+)$", RUNBOOK.read_text(), re.M)
        self.assertEqual(sorted(self.alerts()), sorted(sections))

    def test_each_alert_is_tested(self):
        tested = (MONITORING / "alerts_test.yml").read_text()
        for alert in self.alerts():
            self.assertIn(f"alertname: {alert}", tested)

    def test_the_commands_and_settings_that_it_names_exist(self):
        text = RUNBOOK.read_text()
        commands = set(re.findall(r"^ +latchkey ((?:[a-z][a-z-]* ?)+)", text, re.M))
        self.assertGreater(len(commands), 4)
        for command in commands:
            words = command.split()
            done = harness.run_latchkey(*words, "--help", check=False)
            self.assertEqual(0, done.returncode, f"latchkey {command}: {done.stderr}")
        known = (ROOT / "docs" / "settings.md").read_text()
        for setting in set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", text)):
            self.assertIn(f"`{setting}", known)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_prometheus_reads_the_rules_and_they_fire_when_they_should(self):
        for arguments in (
            ["check", "rules", "alerts.yml"],
            ["test", "rules", "alerts_test.yml"],
            ["check", "config", "scrape.yml"],
        ):
            done = subprocess.run(
                ["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True
            )
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_the_dashboard_is_whole(self):
        board = json.loads((MONITORING / "grafana" / "latchkey.json").read_text())
        ids = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        for panel in board["panels"]:
            self.assertTrue(all(target["expr"] for target in panel["targets"]), panel["title"])


if __name__ == "__main__":
    unittest.main()
