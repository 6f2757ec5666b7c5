"""A grpcio server with some methods of the server of the interoperability tests, without decoding: the cost of grpc's C core."""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, call):
        return {
            "/test.Echo/Unary": grpc.unary_unary_rpc_method_handler(lambda request, _: request),
            "/test.Echo/Produce": grpc.unary_stream_rpc_method_handler(self.produce),
            "/test.Echo/Sum": grpc.stream_unary_rpc_method_handler(lambda requests, _: b"%d" % sum(map(len, requests))),
        }.get(call.method)

    def produce(self, request, _):
        count, size = map(int, request.split())
        message = b"x" * size
        for _ in range(count):
            yield message


unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
server = grpc.server(ThreadPoolExecutor(4), handlers=[Echo()], options=unlimited)
server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
server.wait_for_termination()
