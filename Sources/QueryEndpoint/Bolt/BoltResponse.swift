import QueryValues

/// A message of the server other than RECORD.
enum BoltResponse: Sendable {
  case success([(String, Value)])
  case failure([(String, Value)])
  case ignored

  var tag: UInt8 {
    switch self {
    case .success: 0x70
    case .failure: 0x7f
    case .ignored: 0x7e
    }
  }

  var metadata: [(String, Value)]? {
    switch self {
    case .success(let metadata), .failure(let metadata): metadata
    case .ignored: nil
    }
  }

  /// The tag of RECORD.
  static let recordTag: UInt8 = 0x71
}
