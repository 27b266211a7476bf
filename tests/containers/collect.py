"""Run in a container of ours as the collector of traces: prints `ready`, then a line for each service that sent spans, once."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

seen = set()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for batch in request.resource_spans:
            for one in batch.resource.attributes:
                if one.key == "service.name" and one.value.string_value not in seen:
                    seen.add(one.value.string_value)
                    print(one.value.string_value, flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *args):
        pass


server = ThreadingHTTPServer(("", 4318), Handler)
print("ready", flush=True)
server.serve_forever()
