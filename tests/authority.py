"""An authority of the moment, for servers of other people that are to speak TLS."""

import shutil
import subprocess

OPENSSL = shutil.which("openssl")


def certificates(folder):
    """Into `folder`: ca.pem, and server.pem with server.key, which that authority says is 127.0.0.1."""
    def openssl(*words):
        subprocess.run([OPENSSL, *words], cwd=folder, check=True, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=Test authority", "-days", "2")
    openssl("req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "names")
