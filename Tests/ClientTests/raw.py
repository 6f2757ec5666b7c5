"""The coordinator's RPCs called directly, for what the client itself never does."""

import secrets

import grpc
from graphscope.proto import attr_value_pb2, coordinator_service_pb2_grpc, message_pb2, op_def_pb2, types_pb2
from graphscope.version import __version__

MAX_MESSAGE = 2**31 - 1

# Windows that stay small. Without these options grpc begins with 4 MiB, widens its windows to several times what a connection
# has carried in a round trip, and takes as much of an answer that its application does not read.
SMALL_WINDOWS = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 64 << 10))


class Client:
    """One connection of its own; over TLS with grpc's channel credentials."""

    def __init__(self, address, credentials=None, options=()):
        options = [
            *options,
            ("grpc.max_send_message_length", MAX_MESSAGE),
            ("grpc.max_receive_message_length", MAX_MESSAGE),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if credentials:
            self.channel = grpc.secure_channel(address, credentials, options=options)
        else:
            self.channel = grpc.insecure_channel(address, options=options)
        self.stub = coordinator_service_pb2_grpc.CoordinatorServiceStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def heartbeat(self, timeout=10):
        return self.stub.HeartBeat(message_pb2.HeartBeatRequest(), timeout=timeout)

    def connect(self, version=__version__, dangling=60, reconnect=False, cleanup=False):
        return self.stub.ConnectSession(
            message_pb2.ConnectSessionRequest(
                cleanup_instance=cleanup, dangling_timeout_seconds=dangling, version=version, reconnect=reconnect
            ),
            timeout=30,
        )

    def close(self, session_id):
        return self.stub.CloseSession(message_pb2.CloseSessionRequest(session_id=session_id), timeout=30)

    def run(self, session_id, ops, bodies=(), timeout=60):
        """Runs the operations; returns the head and the list of body messages."""
        return self.exchange([head(session_id, ops), *bodies], timeout)

    def exchange(self, requests, timeout=60):
        responses = list(self.stub.RunStep(iter(requests), timeout=timeout))
        heads = [r.head for r in responses if r.HasField("head")]
        assert len(heads) == 1
        return heads[0], [r.body for r in responses if r.HasField("body")]


def head(session_id, ops):
    dag = op_def_pb2.DagDef()
    dag.op.extend(ops)
    return message_pb2.RunStepRequest(head=message_pb2.RunStepRequestHead(session_id=session_id, dag_def=dag))


def body(chunk, key, more=False):
    return message_pb2.RunStepRequest(body=message_pb2.RunStepRequestBody(chunk=chunk, op_key=key, has_next=more))


def op(kind, parents=(), key=None, output=types_pb2.NULL_OUTPUT, chunks=(), **attributes):
    """An operation; attributes are named as in ParamKey, chunks are (size, attributes) of a DATA_SOURCE."""
    result = op_def_pb2.OpDef(op=kind, key=key or secrets.token_hex(16), output_type=output)
    result.parents.extend(p if isinstance(p, str) else p.key for p in parents)
    for name, value in attributes.items():
        result.attr[types_pb2.ParamKey.Value(name)].CopyFrom(attribute(value))
    result.large_attr.SetInParent()
    for size, values in chunks:
        item = result.large_attr.chunk_meta_list.items.add(size=size)
        for name, value in values.items():
            item.attr[types_pb2.ParamKey.Value(name)].CopyFrom(attribute(value))
    return result


def attribute(value):
    if isinstance(value, bool):
        return attr_value_pb2.AttrValue(b=value)
    if isinstance(value, int):
        return attr_value_pb2.AttrValue(i=value)
    return attr_value_pb2.AttrValue(s=value.encode() if isinstance(value, str) else value)


def load_ops(path, key=None):
    """A DATA_SOURCE and a CREATE_GRAPH that load edges `src,dst` from a CSV file."""
    location = f"{path}#delimiter=,&header_row=True&schema=src,dst&column_types=,&filetype=CSV"
    source = op(
        types_pb2.DATA_SOURCE,
        chunks=[
            (0, dict(CHUNK_NAME="edge", CHUNK_TYPE="loader", LABEL="e", SRC_VID="src", DST_VID="dst", SRC_LABEL="_",
                     DST_LABEL="_", SUB_LABEL="___", LOAD_STRATEGY="both_out_in", PROTOCOL="file", SOURCE=location))
        ],
    )
    create = op(
        types_pb2.CREATE_GRAPH, [source], key, types_pb2.GRAPH, GRAPH_TYPE=4, DIRECTED=True, GENERATE_EID=True,
        RETAIN_OID=True, OID_TYPE="int64_t", VID_TYPE="uint64_t", IS_FROM_VINEYARD_ID=False, IS_FROM_GAR=False,
        VERTEX_MAP_TYPE=1, COMPACT_EDGES=False, USE_PERFECT_HASH=False,
    )
    return [source, create]
