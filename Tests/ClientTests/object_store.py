"""As much of S3's HTTP interface as reading objects takes: HEAD, GET with a range, and lists with a prefix."""

import http.server
import re
import threading
from urllib.parse import parse_qs, urlparse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.keys.add(re.search("Credential=([^/]*)", self.headers.get("Authorization", "Credential=")).group(1))
        url = urlparse(self.path)
        name = url.path.lstrip("/")
        if "list-type" in parse_qs(url.query):
            return self.answer(200, self.listed(parse_qs(url.query).get("prefix", [""])[0], name.rstrip("/")))
        content = self.server.objects.get(name)
        if content is None:
            return self.answer(404, b"")
        chosen = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not chosen:
            return self.answer(200, content)
        first, last = int(chosen[1]), min(int(chosen[2]), len(content) - 1)
        self.answer(206, content[first : last + 1], f"bytes {first}-{last}/{len(content)}")

    def listed(self, prefix, bucket):
        found = {name[len(bucket) + 1 :]: len(text) for name, text in self.server.objects.items()}
        contents = "".join(
            f"<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>x</ETag><StorageClass>STANDARD</StorageClass></Contents>"
            for key, size in sorted(found.items())
            if key.startswith(prefix)
        )
        return (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{bucket}</Name><Prefix>{prefix}</Prefix><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
        ).encode()

    def answer(self, code, body, content_range=None):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"x"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class ObjectStore:
    """Serves `objects`, bytes by "bucket/key", until the block ends; `keys` are those that requests were signed with."""

    def __init__(self, objects):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.objects = objects
        self.server.keys = self.keys = set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
