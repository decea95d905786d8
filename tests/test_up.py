"""The life of `latchkey up` itself: its endpoints file, its folder, its end."""

import json
import signal
import socket
import tempfile
import unittest
import urllib.parse

import harness


class Up(unittest.TestCase):
    def started(self, *options, **settings):
        latchkey = harness.Latchkey(*options, **settings)
        self.addCleanup(latchkey.kill)
        return latchkey

    def test_endpoints_file_names_where_everything_listens(self):
        latchkey = self.started()
        self.assertEqual(
            {"api", "functions", "queue", "vault", "identity", "login", "proxy"},
            set(latchkey.endpoints),
        )
        for name, url in latchkey.endpoints.items():
            with self.subTest(name):
                port = urllib.parse.urlsplit(url).port
                for address in ("127.0.0.1", "::1"):
                    socket.create_connection((address, port), 5).close()

    def test_ends_with_exit_code_0_on_sigterm_and_sigint_and_removes_its_endpoints_file(self):
        for by in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(by):
                latchkey = self.started()
                latchkey.get_code()
                self.assertEqual(0, latchkey.stop(by), latchkey.log())
                self.assertFalse(latchkey.endpoints_file.exists())
                self.assertEqual([], latchkey.left_behind())

    def test_prints_a_first_code_that_is_accepted(self):
        latchkey = self.started()
        code = harness.wait_until(
            lambda: harness.CODE_FORM.search(latchkey.output()), "the first code"
        )
        self.assertEqual(200, latchkey.verify_when_active(code[0]).status)

    def test_what_was_made_survives_a_stop(self):
        first = self.started()
        code = first.get_code()
        first.stop()
        second = self.started(data=first.data)
        self.assertEqual(200, second.verify_when_active(code).status)

    def test_a_folder_in_use_is_refused_in_one_line(self):
        latchkey = self.started()
        second = latchkey.command("up", "--ports", "auto", check=False)
        self.assertNotEqual(0, second.returncode)
        self.assertEqual(1, len(second.stderr.splitlines()), second.stderr)
        self.assertIn(str(latchkey.data), second.stderr)
        # And the first one is untouched.
        self.assertEqual(latchkey.endpoints, json.loads(latchkey.endpoints_file.read_text()))
        latchkey.get_code()

    def test_a_port_in_use_is_refused_in_one_line_that_names_it(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, tempfile.TemporaryDirectory() as data:
            port = taken.getsockname()[1]
            ports = f"api={port},functions=0,queue=0,vault=0,identity=0,proxy=0"
            done = harness.run_latchkey("up", "--data", data, "--ports", ports, check=False)
            self.assertNotEqual(0, done.returncode)
            # What listened before it is in the log; the one line for the user comes last.
            line = done.stderr.splitlines()[-1]
            self.assertTrue(line.startswith("latchkey: "), done.stderr)
            self.assertIn(str(port), line)
