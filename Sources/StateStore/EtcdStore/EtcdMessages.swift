import Foundation

// Messages of etcd's JSON gateway (etcd 3.4, api_grpc_gateway; rpc.proto and kv.proto): bytes are base64, 64-bit numbers are
// strings, and values that are 0, false or empty are omitted.

/// A 64-bit number in the gateway's encoding.
struct EtcdNumber: Codable, Sendable, Equatable, ExpressibleByIntegerLiteral {
  var value: Int64

  init(_ value: Int64) { self.value = value }
  init(integerLiteral value: Int64) { self.value = value }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Int64(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a 64-bit number")
    }
    self.value = value
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(String(value))
  }
}

struct EtcdHeader: Codable, Sendable {
  var revision: EtcdNumber?
}

struct EtcdKeyValue: Codable, Sendable {
  var key: Data?
  var value: Data?
  var create_revision: EtcdNumber?
  var mod_revision: EtcdNumber?
  var lease: EtcdNumber?

  var modified: Revision { mod_revision?.value ?? 0 }
}

struct EtcdRange: Codable, Sendable {
  var key: Data
  var range_end: Data?
  var limit: EtcdNumber?
  var revision: EtcdNumber?
  var keys_only: Bool?
  var count_only: Bool?
}

struct EtcdRangeResponse: Codable, Sendable {
  var header: EtcdHeader?
  var kvs: [EtcdKeyValue]?
  var more: Bool?
  var count: EtcdNumber?
}

struct EtcdCompare: Codable, Sendable {
  var key: Data
  /// VERSION, MOD or VALUE; the comparison is EQUAL by default.
  var target: String
  var result: String?
  var version: EtcdNumber?
  var mod_revision: EtcdNumber?
  var value: Data?
}

struct EtcdPut: Codable, Sendable {
  var key: Data
  var value: Data
  var lease: EtcdNumber?
}

struct EtcdDelete: Codable, Sendable {
  var key: Data
}

struct EtcdOperation: Codable, Sendable {
  var request_range: EtcdRange?
  var request_put: EtcdPut?
  var request_delete_range: EtcdDelete?
}

struct EtcdTransaction: Codable, Sendable {
  var compare: [EtcdCompare] = []
  var success: [EtcdOperation] = []
  var failure: [EtcdOperation] = []
}

struct EtcdTransactionResponse: Codable, Sendable {
  struct Part: Codable, Sendable {
    var response_range: EtcdRangeResponse?
  }
  var header: EtcdHeader?
  var succeeded: Bool?
  var responses: [Part]?
}

struct EtcdCompaction: Codable, Sendable {
  var revision: EtcdNumber
}

struct EtcdLeaseGrant: Codable, Sendable {
  var ID: EtcdNumber
  var TTL: EtcdNumber
}

struct EtcdLeaseID: Codable, Sendable {
  var ID: EtcdNumber
}

/// The response to a grant and, in a stream's frame, to a keepalive: without a TTL, the lease has expired.
struct EtcdLeaseResponse: Codable, Sendable {
  var ID: EtcdNumber?
  var TTL: EtcdNumber?
}

struct EtcdLogin: Codable, Sendable {
  var name: String
  var password: String
}

struct EtcdToken: Codable, Sendable {
  var token: String
}

struct EtcdEmpty: Codable, Sendable {}

struct EtcdWatch: Codable, Sendable {
  struct Create: Codable, Sendable {
    var key: Data
    var range_end: Data
    var start_revision: EtcdNumber
    var fragment = true
  }
  var create_request: Create
}

struct EtcdEvent: Codable, Sendable {
  /// DELETE; absent for a put.
  var type: String?
  var kv: EtcdKeyValue
}

struct EtcdWatchResponse: Codable, Sendable {
  var header: EtcdHeader?
  var created: Bool?
  var canceled: Bool?
  var compact_revision: EtcdNumber?
  var cancel_reason: String?
  /// Whether the next line continues this response.
  var fragment: Bool?
  var events: [EtcdEvent]?
}

/// A line of a stream: a result, or an error that ends the stream despite status 200.
struct EtcdStreamLine<Result: Decodable & Sendable>: Decodable, Sendable {
  var result: Result?
  var error: EtcdStreamError?
}

struct EtcdStreamError: Decodable, Sendable {
  var grpc_code: Int?
  var message: String?
}

/// The body of a response with a status other than 200.
struct EtcdErrorBody: Decodable, Sendable {
  var message: String?
  var error: String?
  var code: Int?
}
