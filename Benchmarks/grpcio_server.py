"""A grpcio server that only answers HeartBeat: the minimum cost of such a call in Python."""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from graphscope.proto import coordinator_service_pb2_grpc, message_pb2


class Servicer(coordinator_service_pb2_grpc.CoordinatorServiceServicer):
    def HeartBeat(self, request, context):
        return message_pb2.HeartBeatResponse()


server = grpc.server(ThreadPoolExecutor(4))
coordinator_service_pb2_grpc.add_CoordinatorServiceServicer_to_server(Servicer(), server)
server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
server.wait_for_termination()
