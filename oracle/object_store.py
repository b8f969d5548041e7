"""A store of objects that speaks as much of S3 as reading needs, over a folder; and a check that `onto` reads the same through it as from
the folder itself. No package is needed; `onto` must be built with its feature s3.

    cargo build -p onto --features s3
    python3 oracle/object_store.py check target/debug/onto         makes a few files, serves them, compares
    python3 oracle/object_store.py serve FOLDER [PORT]             serves FOLDER as the bucket `bucket`
"""

import hashlib
import http.server
import json
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from xml.sax.saxutils import escape


def handler(folder, log):
    class Store(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def reply(self, status, body=b"", **headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            if "Content_Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def list(self, query):
            prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
            after = query.get("continuation-token", [""])[0]
            names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
            objects, folders = [], []
            for name in names:
                if not name.startswith(prefix):
                    continue
                rest = name[len(prefix):]
                if delimiter and delimiter in rest:
                    below = prefix + rest.split(delimiter)[0] + delimiter
                    if below not in folders:
                        folders.append(below)
                elif name > after:
                    objects.append(name)
            # Two objects a page, so that pages are gone through.
            more = len(objects) > 2
            objects = objects[:2]
            xml = "<?xml version='1.0'?><ListBucketResult>"
            xml += f"<IsTruncated>{str(more).lower()}</IsTruncated>"
            if more:
                xml += f"<NextContinuationToken>{escape(objects[-1])}</NextContinuationToken>"
            for name in objects:
                data = (folder / name).read_bytes()
                xml += (f"<Contents><Key>{escape(name)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                        f"<ETag>&quot;{hashlib.md5(data).hexdigest()}&quot;</ETag><Size>{len(data)}</Size></Contents>")
            for name in [] if after else folders:
                xml += f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
            self.reply(200, (xml + "</ListBucketResult>").encode(), Content_Type="application/xml")

        def do_GET(self):
            url = urllib.parse.urlsplit(self.path)
            key = urllib.parse.unquote(url.path).removeprefix("/bucket").lstrip("/")
            query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
            log.append((self.command, key, self.headers.get("Range"), "Authorization" in self.headers))
            if not key:
                return self.list(query)
            path = folder / key
            if not path.is_file():
                return self.reply(404)
            data = path.read_bytes()
            tag = dict(ETag=f'"{hashlib.md5(data).hexdigest()}"', Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT")
            if self.command == "HEAD":
                return self.reply(200, Content_Length=str(len(data)), **tag)
            wanted = self.headers.get("Range")
            if not wanted:
                return self.reply(200, data, **tag)
            start, end = wanted.removeprefix("bytes=").split("-")
            part = data[int(start):int(end) + 1]
            self.reply(206, part, Content_Range=f"bytes {start}-{int(start) + len(part) - 1}/{len(data)}", **tag)

        do_HEAD = do_GET

    return Store


def serve(folder, port=0):
    log = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler(pathlib.Path(folder), log))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, log


def check(onto):
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place) / "bucket"
        (folder / "web/more").mkdir(parents=True)
        lines = lambda name, count: "".join(json.dumps({"id": f"{name}-{i}", "text": f"Text {i} of {name}, " + "word " * 300}) + "\n" for i in range(count))
        (folder / "web/a.jsonl").write_text(lines("a", 8000))
        (folder / "web/b.jsonl.gz").write_bytes(gzip.compress(lines("b", 500).encode()))
        (folder / "web/c d.txt").write_text("A name with a space.")
        (folder / "web/more/e.jsonl").write_text(lines("e", 3))
        server, log = serve(folder)
        environment = dict(os.environ, AWS_ENDPOINT=f"http://127.0.0.1:{server.server_port}", AWS_ALLOW_HTTP="true", AWS_REGION="here",
                           AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")
        def run(*words):
            done = subprocess.run([onto, "--quiet", *words], env=environment, cwd=place, capture_output=True, text=True)
            assert done.returncode == 0, (words, done.returncode, done.stderr)
            return done.stdout
        here, there = str(folder / "web"), "s3://bucket/web"
        assert run("corpus", "stats", "--json", here) == run("corpus", "stats", "--json", there)
        assert run("corpus", "sample", "-n", "20", here) == run("corpus", "sample", "-n", "20", there)
        for name, source in [("here", here), ("there", there)]:
            run("corpus", "convert", source, "--to", "jsonl", "--out", f"{place}/{name}")
        read = lambda name: (pathlib.Path(place) / name / "documents.jsonl").read_bytes()
        assert read("here") == read("there")
        assert all(signed for *_, signed in log) and any(span for _, _, span, _ in log), log[:5]
        ranges = sum(1 for _, key, span, _ in log if key == "web/a.jsonl" and span)
        missing = subprocess.run([onto, "corpus", "stats", "s3://bucket/nothing"], env=environment, capture_output=True, text=True)
        assert missing.returncode == 1 and "nothing" in missing.stderr, missing.stderr
        server.shutdown()
        print(f"stats, sample and convert read the same from the folder and through s3://: {len(log)} requests, {ranges} ranges of the largest object")


if __name__ == "__main__":
    if sys.argv[1] == "check":
        check(os.path.abspath(sys.argv[2]))
    else:
        server, _ = serve(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 9000)
        print(f"AWS_ENDPOINT=http://127.0.0.1:{server.server_port} AWS_ALLOW_HTTP=true AWS_SKIP_SIGNATURE=true onto corpus stats s3://bucket/")
        threading.Event().wait()
