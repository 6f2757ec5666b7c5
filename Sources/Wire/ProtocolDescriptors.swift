import CGraphScopeProto

/// The descriptors of the services that are served.
public enum ProtocolDescriptors {
  /// A `google.protobuf.FileDescriptorSet` of `proto/`: the client's protocol, gRPC's health checking and server reflection,
  /// and everything that they import.
  public static var fileDescriptorSet: [UInt8] {
    var count = 0
    let bytes = graphscope_descriptor_set(&count)
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}
