#!/usr/bin/env python3
"""Makes a function app that can be deployed: its folder, the binary, and every shared library that
this needs.

  deploy/functions/package.py app|number [--binary build/release/latchkey] [--output build/functions]

makes OUTPUT/APP, a folder that a functions host runs on this machine, and OUTPUT/APP.zip, the same
for Azure: without local.settings.json and whatever else .funcignore names.

What Azure's Linux images have of libraries changes with the plan and the year, so nothing of theirs
is used: the app brings the loader and the C library along (bin/ld.so, bin/lib), and host.json
starts the binary through that loader. The same input makes the same zip, byte for byte.
"""

import argparse
import fnmatch
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
AUTHORITIES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip can say


def is_ignored(path, patterns):
    parts = [str(path), *path.parts]
    return any(fnmatch.filter(parts, pattern) for pattern in patterns)


def libraries_of(binary):
    """Path in the app -> file: the loader and all that it would load."""
    listed = subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout
    if "not found" in listed:
        sys.exit(f"a library is missing here:\n{listed}")
    found = {}
    for name, file in re.findall(r"^\s*(\S+) => (/\S+)", listed, re.MULTILINE):
        found[f"bin/lib/{name}"] = pathlib.Path(file)
    loader = re.search(r"^\s*(/\S*/ld-linux\S*)", listed, re.MULTILINE)
    if not loader:
        sys.exit(f"{binary} has no dynamic loader:\n{listed}")
    found["bin/ld.so"] = pathlib.Path(loader[1])
    return found


def make_folder(app, binary, folder):
    if folder.exists():
        if not (folder / "host.json").is_file():
            sys.exit(f"{folder} is there and is no function app: choose another --output")
        shutil.rmtree(folder)
    shutil.copytree(HERE / app, folder)
    (folder / "bin" / "lib").mkdir(parents=True)
    for path, file in libraries_of(binary).items():
        shutil.copyfile(file, folder / path)
    # Without debug information: a tenth of the size.
    subprocess.run(["strip", "-o", folder / "bin" / "latchkey", binary], check=True)
    shutil.copyfile(AUTHORITIES, folder / "bin" / "authorities.pem")
    for file in folder.rglob("*"):
        runs = file.is_dir() or file.name in ("ld.so", "latchkey")
        file.chmod(0o755 if runs else 0o644)


def make_zip(folder, output):
    patterns = (folder / ".funcignore").read_text().split()
    files = [file for file in folder.rglob("*") if file.is_file()]
    with zipfile.ZipFile(output, "w") as made:
        for file in sorted(files):
            path = file.relative_to(folder)
            if is_ignored(path, patterns):
                continue
            entry = zipfile.ZipInfo(str(path), TIME)
            entry.create_system = 3  # Unix, for the mode
            entry.external_attr = file.stat().st_mode << 16
            made.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("app", choices=["app", "number"])
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build/release/latchkey")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/functions")
    options = parser.parse_args()
    folder = options.output / options.app
    made = options.output / f"{options.app}.zip"
    make_folder(options.app, options.binary, folder)
    make_zip(folder, made)
    print(f"{folder}\n{made} ({made.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
