#!/usr/bin/env python3
"""The tidy test: the architecture and the house rules, checked by reading the sources.

Checks every #include against the table in cmake/rooms.cmake, the length of files and functions, calls
that rooms must not make, and that nothing unfinished or machine-bound is left in the tree.
With --headers it compiles every header by itself as well.
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

# Third-party headers that a room may include, beyond the standard library and its own kin.
# Asio's coroutine types reach every room through base/task.hpp; sockets stay in http.
THIRD_PARTY = {
    "fmt/": {"*"},
    "tl/": {"*"},
    "spdlog/": {"base"},
    "openssl/": {"base", "http"},
    "sqlite3.h": {"base"},
    "boost/asio/ssl": {"http"},
    "boost/asio/ip": {"http"},
    "boost/asio": {"base", "http", "app"},
    "boost/beast": {"http"},
    "boost/json": {"wire", "cloud", "codes", "service", "app"},
    "boost/system": {"base", "http"},
    "pugixml.hpp": {"wire"},
    "hiredis/": {"codes"},
    "CLI/": {"app"},
    "gtest/": {"test"},
    "gmock/": {"test"},
}

# (what, regular expression, rooms or files that may)
BANNED = [
    ("rand(), use base/random.hpp", r"\bs?rand\s*\(", ()),
    ("system_clock::now, use an injected Clock", r"system_clock::now", ("base/clock.cpp",)),
    # A test with random rounds may be told how many, and from which seed.
    ("getenv outside app", r"\bgetenv\b",
     ("app/", "cloud/queues/queue_store_crash_test.cpp", "codes/testing/table_under_test.cpp")),
    ("std::cout outside app", r"std::c(?:out|err)\b", ("app/",)),
    ("a sleeping thread", r"\bsleep_for\b(?=.*this_thread)|this_thread::sleep|\busleep\(", ()),
    ("a lambda coroutine with captures", r"\[[&=\w][^\]]*\]\s*\([^)]*\)\s*(?:mutable\s*)?->\s*(?:latchkey::)?Task<", ()),
    ("unfinished work", r"\b(?:TODO|FIXME|XXX)\b", ()),
]


def rooms_table():
    """cmake/rooms.cmake: room -> set of rooms that it may use."""
    table = {}
    for row in re.findall(r'^\s*"(\w+)\s*\|([^|]*)\|', (ROOT / "cmake/rooms.cmake").read_text(), re.M):
        table[row[0]] = set(row[1].split())
    return table


def is_test(path):
    return path.name.endswith("_test.cpp") or "testing" in path.parts


def closure(table, room):
    """What a room's tests may include: what it uses, and what that uses, for they link it anyway."""
    found = set()
    pending = list(table[room])
    while pending:
        other = pending.pop()
        if other not in found:
            found.add(other)
            pending += table[other]
    return found


def check_includes(path, room, text, table):
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#include\s+([<"])([^>"]+)[>"]', line)
        if not found:
            continue
        kind, name = found.groups()
        if kind == '"':
            other = name.split("/")[0]
            if "/" not in name or other not in table:
                yield f"{path}:{number}: include by full path from src: {name}"
            elif other != room and other not in (closure(table, room) if is_test(path) else table[room]):
                yield f"{path}:{number}: room {room} may not use room {other} (cmake/rooms.cmake)"
            elif "/testing/" in name and not is_test(path):
                yield f"{path}:{number}: fakes are for tests only: {name}"
            continue
        for prefix in sorted(THIRD_PARTY, key=len, reverse=True):
            if name.startswith(prefix):
                allowed = THIRD_PARTY[prefix]
                asio_core = prefix == "boost/asio"  # timers, spawning, posting: part of base/task.hpp's world
                if not ("*" in allowed or room in allowed or asio_core
                        or ("test" in allowed and is_test(path))
                        or (prefix == "boost/asio/ip" and is_test(path))):
                    yield f"{path}:{number}: room {room} may not include <{name}>"
                break


def check_functions(path, text):
    """Functions stand at column 0 in our format: from there to the closing brace at column 0."""
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"[A-Za-z~\[]", line) and not re.match(
                r"(namespace|class|struct|enum|union|using|extern|template|constexpr .*=|const .*=)\b", line):
            if start is None:
                start = number
        if line.endswith(";") and line[:1] not in ("}", " ") and start is not None:
            start = None
        if line.startswith("}"):
            if start is not None and number - start + 1 > FUNCTION_LINES_MAX and not line.startswith("};"):
                yield f"{path}:{start}: function of {number - start + 1} lines (at most {FUNCTION_LINES_MAX})"
            start = None


def check_banned(path, relative, text):
    for what, pattern, allowed in BANNED:
        if any(str(relative).startswith(prefix) for prefix in allowed):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            code = line if what == "unfinished work" else line.split("//")[0]
            if re.search(pattern, code):
                yield f"{path}:{number}: {what}"


def check_source(path, table):
    relative = path.relative_to(SRC)
    room = relative.parts[0]
    text = path.read_text()
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"{path}: {lines} lines (at most {FILE_LINES_MAX})"
    if path.suffix == ".hpp" and "#pragma once" not in text:
        yield f"{path}: no #pragma once"
    yield from check_includes(path, room, text, table)
    yield from check_functions(path, text)
    yield from check_banned(path, relative, text)


def check_header_alone(path):
    done = subprocess.run(
        ["clang++-19", "-std=c++20", "-fsyntax-only", f"-I{SRC}", "-DBOOST_ASIO_SEPARATE_COMPILATION",
         "-Wno-pragma-once-outside-header", "-x", "c++", str(path)], capture_output=True, text=True)
    return [f"{path}: does not compile by itself\n{done.stderr}"] if done.returncode else []


def named_tests_exist():
    """docs/standards.md names the test of each promise: `Suite.Name` or `test_file.py: test_name`."""
    tests = "".join(p.read_text() for p in SRC.rglob("*_test.cpp"))
    for name in re.findall(r"`([A-Z]\w+\.[A-Z]\w+)`", (ROOT / "docs/standards.md").read_text()):
        suite, test = name.split(".")
        if not re.search(rf"TEST(?:_F|_P)?\(\s*{suite},\s*{test}\)", tests):
            yield f"docs/standards.md: there is no test {name}"
    for name in re.findall(r"`(test_\w+\.py(?:: \w+)?)`", (ROOT / "docs/standards.md").read_text()):
        file, _, test = name.partition(": ")
        path = ROOT / "tests" / file
        if not path.exists() or f"def {test}" not in path.read_text():
            yield f"docs/standards.md: there is no test {name}"


def main():
    table = rooms_table()
    sources = sorted(p for p in SRC.rglob("*") if p.suffix in (".cpp", ".hpp"))
    problems = [problem for path in sources for problem in check_source(path, table)]
    for room in table:
        if not (SRC / room / "README.md").exists():
            problems.append(f"src/{room}/README.md: every room has one")
    problems += named_tests_exist()
    if "--headers" in sys.argv[1:]:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for found in pool.map(check_header_alone, [p for p in sources if p.suffix == ".hpp"]):
                problems += found
    for problem in problems:
        print(problem.replace(f"{ROOT}/", ""))
    print(f"{len(sources)} files read, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
