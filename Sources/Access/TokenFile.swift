import CPlatform
import FoundationEssentials
import Glibc
import Support

/// The file that stores tokens: one JSON object per line; empty lines and lines that begin with `#` are ignored.
///
/// A process that can write the file can make itself an operator, and one that can read it learns the rights of all principals.
/// Therefore only its owner may have access to it, and the owner must be the coordinator's user or root. A change replaces the
/// whole file, so that readers see it completely or not at all, and holds a lock beside the file, so that concurrent changes
/// are not lost.
public struct TokenFile: Sendable {
  /// The path of the file.
  public let path: String

  /// Largest file that is read, in bytes.
  static let maximumBytes = 8 << 20

  /// Makes a reference to a file, which need not exist.
  public init(_ path: String) { self.path = path }

  /// Attributes that change whenever the file does.
  public struct Stamp: Sendable, Equatable {
    private let inode: UInt
    private let size: Int
    private let mode: UInt32
    private let seconds: [Int]

    init(_ status: stat) {
      inode = UInt(status.st_ino)
      size = Int(status.st_size)
      mode = status.st_mode
      seconds = [status.st_mtim, status.st_ctim].flatMap { [$0.tv_sec, $0.tv_nsec] }
    }
  }

  /// The current attributes of the file; nil when it does not exist.
  public var stamp: Stamp? {
    var status = Glibc.stat()
    return stat(path, &status) == 0 ? Stamp(status) : nil
  }

  // MARK: Reading

  /// Returns the tokens of the file.
  /// - Throws: `AccessPolicyError` that describes what is wrong with the file, its mode, its owner or one of its lines.
  public func read() throws(AccessPolicyError) -> [AccessToken] {
    guard let lines = try readLines() else {
      throw AccessPolicyError("there is no token file '\(path)'. Create a token with `gscoordinator token create`")
    }
    return lines.compactMap(\.token)
  }

  private struct Line {
    var text: String
    var token: AccessToken?
  }

  /// Returns the lines; nil when the file does not exist.
  private func readLines() throws(AccessPolicyError) -> [Line]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw failure("cannot open")
    }
    defer { close(descriptor) }
    try requirePrivate(descriptor)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count >= 0 else { throw failure("cannot read") }
      if count == 0 { break }
      bytes += buffer[..<count]
      guard bytes.count <= Self.maximumBytes else {
        throw AccessPolicyError("the token file '\(path)' is larger than \(Self.maximumBytes) bytes. Remove old tokens")
      }
    }
    return try parse(bytes)
  }

  private func requirePrivate(_ descriptor: Int32) throws(AccessPolicyError) {
    var status = Glibc.stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("cannot examine") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw AccessPolicyError("the token file '\(path)' is not a regular file")
    }
    guard status.st_mode & 0o177 == 0 else {
      throw AccessPolicyError(
        "the token file '\(path)' has the mode 0\(String(status.st_mode & 0o7777, radix: 8)), but only its "
          + "owner may access it. Run chmod 0600 '\(path)'")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw AccessPolicyError(
        "the token file '\(path)' belongs to the user \(status.st_uid), but must belong to this process's user (\(geteuid())) or "
          + "to root. Change its owner")
    }
  }

  private func parse(_ bytes: [UInt8]) throws(AccessPolicyError) -> [Line] {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw AccessPolicyError("the token file '\(path)' is not UTF-8")
    }
    var lines: [Line] = []
    for (index, part) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let text = String(part)
      let isEmpty = text.allSatisfy(\.isWhitespace) || text.hasPrefix("#")
      let token = isEmpty ? nil : try token(text, line: index + 1)
      lines.append(Line(text: text, token: token))
    }
    if lines.last?.text.isEmpty == true { lines.removeLast() }
    return lines
  }

  private func token(_ line: String, line number: Int) throws(AccessPolicyError) -> AccessToken {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    do {
      let keys = try decoder.decode(TokenKeys.self, from: Data(line.utf8)).keys
      if let unknown = keys.first(where: { !TokenKeys.known.contains($0) }) {
        throw AccessPolicyError(
          "there is no key '\(unknown.quotable())'; keys are \(TokenKeys.known.joined(separator: ", "))")
      }
      return try decoder.decode(AccessToken.self, from: Data(line.utf8))
    } catch {
      let reason = (error as? AccessPolicyError)?.description ?? Self.reason(error)
      throw AccessPolicyError("line \(number) of the token file '\(path)' is not a token: \(reason)")
    }
  }

  /// Returns the reason for an error, without the text of the line, which may contain a secret that was put there by mistake.
  private static func reason(_ error: any Error) -> String {
    switch error as? DecodingError {
    case .keyNotFound(let key, _)?: "\(key.stringValue) is missing"
    case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?:
      "\(context.codingPath.last?.stringValue ?? "it") has a value of the wrong type"
    case .dataCorrupted(let context)?:
      context.codingPath.last.map { "\($0.stringValue) is not valid" } ?? "it is not JSON"
    default: "it is not JSON"
    }
  }

  /// The keys of a line.
  private struct TokenKeys: Decodable {
    static let known = ["id", "sha256", "principal", "tenant", "role", "created", "expires", "revoked"]
    let keys: [String]

    private struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init?(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      keys = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue)
    }
  }

  // MARK: Changing

  /// Adds a token, and creates the file if it does not exist.
  /// - Throws: `AccessPolicyError`, also when the token conflicts with the others.
  public func add(_ token: AccessToken) throws(AccessPolicyError) {
    try change(mayMake: true) { lines throws(AccessPolicyError) in
      let tenants = Set(lines.compactMap(\.token).filter { $0.principal == token.principal }.map(\.tenant))
      if let other = tenants.first(where: { $0 != token.tenant }) {
        throw AccessPolicyError(
          "the principal '\(token.principal)' already belongs to the tenant '\(other)'. Use another principal")
      }
      lines.append(Line(text: try Self.text(token), token: token))
    }
  }

  /// Revokes a token.
  /// - Returns: the revoked token; one that was revoked before is unchanged.
  /// - Throws: `AccessPolicyError`, also when there is no token with that id.
  public func revoke(_ id: String, at now: Date) throws(AccessPolicyError) -> AccessToken {
    try change(mayMake: false) { lines throws(AccessPolicyError) in
      guard let index = lines.firstIndex(where: { $0.token?.id == id }), var token = lines[index].token else {
        throw AccessPolicyError(
          "there is no token '\(id.quotable())' in '\(path)'. `gscoordinator token list` shows all")
      }
      guard token.revoked == nil else { return token }
      token.revoked = now
      lines[index] = Line(text: try Self.text(token), token: token)
      return token
    }
  }

  private static func text(_ token: AccessToken) throws(AccessPolicyError) -> String {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return String(decoding: try encoder.encode(token), as: UTF8.self) } catch {
      throw AccessPolicyError("the token of '\(token.principal)' cannot be written: \(error)")
    }
  }

  private func change<R>(
    mayMake: Bool, _ body: (inout [Line]) throws(AccessPolicyError) -> R
  ) throws(AccessPolicyError) -> R {
    // Follow a link: the file that it points to is replaced.
    let target = realpath(path, nil).map { pointer in
      defer { free(pointer) }
      return String(cString: pointer)
    }
    let file = TokenFile(target ?? path)
    let lock = open(file.path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else { throw file.failure("cannot lock") }
    guard FileLock.take(lock) else {
      close(lock)
      throw AccessPolicyError("another process is changing the token file '\(path)'. Try again")
    }
    defer { FileLock.release(lock) }
    let old = try file.readLines()
    guard var lines = old ?? (mayMake ? [] : nil) else {
      throw AccessPolicyError("there is no token file '\(path)'. Create a token with `gscoordinator token create`")
    }
    let result = try body(&lines)
    _ = try TokenSet(lines.compactMap(\.token))
    try file.replace(lines.map { $0.text + "\n" }.joined())
    return result
  }

  /// Replaces the file atomically, and keeps its owner.
  private func replace(_ text: String) throws(AccessPolicyError) {
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { String(path[...$0]) } ?? "./"
    let temporary = directory + ".tokens-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw failure("cannot create a new file beside") }
    defer { close(descriptor) }
    var status = Glibc.stat()
    let hasOwner = stat(path, &status) != 0 || fchown(descriptor, status.st_uid, status.st_gid) == 0
    guard hasOwner, Self.write(Array(text.utf8), to: descriptor), fsync(descriptor) == 0, rename(temporary, path) == 0
    else {
      let error = failure("cannot replace")
      unlink(temporary)
      throw error
    }
    let opened = open(directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
    if opened >= 0 {
      fsync(opened)
      close(opened)
    }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  private func failure(_ action: String) -> AccessPolicyError {
    AccessPolicyError("\(action) the token file '\(path)': \(String(cString: platform_error_text(errno)))")
  }
}
