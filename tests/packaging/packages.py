"""The Debian package and the image, each made once for all tests of a run."""

import functools
import pathlib
import subprocess

import harness

PRESET = harness.BINARY.parent.name


def _build(script, *arguments):
    done = subprocess.run(
        [harness.ROOT / "deploy" / script, *arguments], capture_output=True, text=True, timeout=1800
    )
    if done.returncode != 0:
        raise AssertionError(f"{script}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


@functools.cache
def debian_package():
    """The package's file. Its binary is built from the preset under test."""
    made = _build("debian/build.sh", harness.scratch_folder(), PRESET)
    return pathlib.Path(made)


@functools.cache
def image():
    """The folder of the OCI layout; the image's tag is latchkey."""
    folder = harness.scratch_folder() / "image"
    print(_build("container/build.sh", folder, debian_package()))
    return folder


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
