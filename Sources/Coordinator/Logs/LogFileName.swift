import Glibc

/// The name of a file of the log store: `<stem>.<number>.jsonl`, and `.gz` behind it once it is compressed.
///
/// The stem stands for the stream. The number rises with every file of a stream and is the time of its first line in
/// milliseconds since 1970, so that names never come back, a follower's place stays valid across rotation and
/// removal, and a reader knows which files are too old or too new for it.
struct LogFileName: Equatable {
  var stem: String
  var number: Int64
  var isCompressed: Bool

  /// Numbers are below this, some 280,000 years, so that nothing overflows behind a strange file name.
  private static let numberBound: Int64 = 1 << 53
  /// The longest escaped name that is used as it is; a file name has 255 bytes.
  private static let longestName = 160

  init(stem: String, number: Int64, isCompressed: Bool = false) {
    self.stem = stem
    self.number = number
    self.isCompressed = isCompressed
  }

  /// Reads a name; nil when the file is none of ours.
  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3 || parts.count == 4 && parts[3] == "gz", parts[2] == "jsonl", !parts[0].isEmpty,
      let number = Int64(parts[1]), (0..<Self.numberBound).contains(number), String(number) == parts[1]
    else { return nil }
    self.init(stem: String(parts[0]), number: number, isCompressed: parts.count == 4)
  }

  /// The name as text.
  var text: String { "\(stem).\(number).jsonl" + (isCompressed ? ".gz" : "") }

  /// The stem of a stream's files.
  static func stem(of stream: LogStream) -> String {
    switch stream {
    case .coordinator: "coordinator"
    case .events: "events"
    case .audit: "audit"
    case .session(let id): sessionPrefix + escape(id)
    case .child(let name): childPrefix + escape(name)
    }
  }

  /// What the stems of sessions begin with.
  static let sessionPrefix = "session-"
  /// What the stems of child processes begin with.
  static let childPrefix = "child-"

  /// A name from outside as a part of a file name: letters, digits, `_` and `-` stay, the rest becomes `%XX`. Names that
  /// are too long are cut and told apart by a hash; readers look at the lines themselves, so that two names of one hash
  /// do not mix.
  static func escape(_ name: String) -> String {
    var text = ""
    for byte in name.utf8.prefix(longestName) {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x5f: text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    guard text.utf8.count > longestName || name.utf8.count > longestName else { return text }
    // FNV-1a, 64 bits.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return text.prefix(longestName) + "~" + String(hash, radix: 16)
  }
}
