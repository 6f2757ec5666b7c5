import Glibc

/// The name of a file of the log store: `<stem>.<number>.jsonl`, with the suffix `.gz` once it is compressed.
///
/// The stem stands for the stream, followed by `+` and the tenant that the lines belong to: the lines of a tenant are in separate
/// files, which count for this tenant only. The number increases with every file of a stream and is the time of its first line,
/// in milliseconds since 1970. Names are therefore never reused, the position of a follower stays valid across rotation and
/// removal, and a reader can tell which files are too old or too new for it.
struct LogFileName: Equatable {
  var stem: String
  var number: Int64
  var isCompressed: Bool

  /// Numbers are below this limit, some 280,000 years, so that a strange file name causes no overflow.
  private static let numberBound: Int64 = 1 << 53
  /// The maximum length of an escaped name that is used unchanged; a file name has 255 bytes.
  private static let longestName = 120
  private static let longestTenant = 48
  private static let separator: Character = "+"

  init(stem: String, number: Int64, isCompressed: Bool = false) {
    self.stem = stem
    self.number = number
    self.isCompressed = isCompressed
  }

  /// Parses a file name; returns nil if it is not that of a log file.
  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3 || parts.count == 4 && parts[3] == "gz", parts[2] == "jsonl", !parts[0].isEmpty,
      let number = Int64(parts[1]), (0..<Self.numberBound).contains(number), String(number) == parts[1]
    else { return nil }
    self.init(stem: String(parts[0]), number: number, isCompressed: parts.count == 4)
  }

  /// The file name.
  var text: String { "\(stem).\(number).jsonl" + (isCompressed ? ".gz" : "") }

  /// Returns the stem of a stream's files with the lines of one tenant, or with lines of no tenant.
  static func stem(of stream: LogStream, tenant: String?) -> String {
    guard let tenant else { return stem(of: stream) }
    return stem(of: stream) + "\(separator)" + escape(tenant, longest: longestTenant)
  }

  /// Returns the part of a stem that stands for the stream.
  static func streamStem(_ stem: String) -> String { String(stem.prefix { $0 != separator }) }

  /// Returns the part of a stem that stands for the tenant; empty for lines of no tenant.
  static func owner(_ stem: String) -> String { String(stem.drop { $0 != separator }.dropFirst()) }

  /// Returns whether the files of a stem belong to the audit trail.
  static func isAudit(_ stem: String) -> Bool { streamStem(stem) == Self.stem(of: .audit) }

  /// Returns the stem of a stream's files, without a tenant.
  static func stem(of stream: LogStream) -> String {
    switch stream {
    case .coordinator: "coordinator"
    case .events: "events"
    case .audit: "audit"
    case .session(let id): sessionPrefix + escape(id)
    case .child(let name): childPrefix + escape(name)
    }
  }

  /// The prefix of the stems of sessions.
  static let sessionPrefix = "session-"
  /// The prefix of the stems of child processes.
  static let childPrefix = "child-"

  /// Escapes a name from outside for use in a file name: letters, digits, `_` and `-` are kept, other bytes become `%XX`. Names
  /// that are too long are cut and distinguished by a hash. Readers check the lines themselves, so names with the same hash are
  /// not confused.
  static func escape(_ name: String, longest: Int = longestName) -> String {
    var text = ""
    for byte in name.utf8.prefix(longest) {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x5f: text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    guard text.utf8.count > longest || name.utf8.count > longest else { return text }
    // FNV-1a, 64 bits.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return text.prefix(longest) + "~" + String(hash, radix: 16)
  }
}
