import Access
import CPlatform
import Engines
import FoundationEssentials
import Glibc
import GraphStore
import JSON
import Support
import Wire

/// The rules for files and addresses outside a session's own directory. With access control, a session may use what the access
/// file lists for its tenant, as of each use; without it, everything that the coordinator's user may. The coordinator's own files
/// are never accessible.
public struct PlacePolicy: Sendable {
  let own: OwnFiles
  let access: AccessControl?

  /// Creates a policy; `access` is nil if access control is not configured.
  public init(own: OwnFiles = OwnFiles(), access: AccessControl? = nil) { (self.own, self.access) = (own, access) }

  /// Returns the places accessible to sessions of a tenant.
  /// - Parameter user: The user as whom files are accessed; nil for that of the coordinator.
  func places(of tenant: String, as user: EngineUser? = nil) -> SessionPlaces {
    SessionPlaces(own: own, user: user) { [access] in access.map { $0.policy.tenants[tenant] ?? TenantRules() } }
  }

  /// Returns the user that new processes of a tenant's engines run as; nil for that of the coordinator.
  func user(of tenant: String) -> EngineUser? { access?.policy.tenants[tenant]?.runAs }
}

/// The places accessible to one session.
struct SessionPlaces: Places {
  let own: OwnFiles
  /// The user as whom files are opened, created and moved; the listed directories are looked up as the coordinator's user.
  let user: EngineUser?
  /// Returns the rules in force; nil if there are none.
  let rules: @Sendable () -> TenantRules?

  /// Creates the places of a session.
  init(own: OwnFiles, user: EngineUser? = nil, rules: @escaping @Sendable () -> TenantRules?) {
    (self.own, self.user, self.rules) = (own, user, rules)
  }

  /// The maximum number of files and directories in a tree that is read as a whole.
  private static let maximumEntries = 4096
  private static let maximumDepth = 64

  var isRestricted: Bool { rules() != nil }

  var allowsOwnCode: Bool { rules()?.runsOwnCode ?? true }

  // MARK: Reading

  func open(_ path: String) throws -> OpenedFile {
    try OpenedFile(taking: try opened(path, OpenedFile.flags), path: path)
  }

  func requireReadable(_ path: String) throws { close(try opened(path, OpenedFile.flags)) }

  func files(at path: String) throws -> [PlacedFile] {
    let names = isRestricted ? [] : pattern(path)
    var found: [PlacedFile] = []
    for name in names.isEmpty ? [path] : names { try add(name, &found) }
    return found
  }

  /// Adds a file, or the files of a directory; the name is taken literally.
  private func add(_ path: String, _ found: inout [PlacedFile]) throws {
    let descriptor = try opened(path, OpenedFile.flags)
    guard Self.isDirectory(descriptor) else {
      let file = try OpenedFile(taking: descriptor, path: path)
      try requireRoom(found, path)
      return found.append(PlacedFile(name: fileName(of: path), file: file))
    }
    try list(descriptor, path, "", depth: Self.maximumDepth, &found)
  }

  private func requireRoom(_ found: [PlacedFile], _ path: String, depth: Int = 1) throws(EngineError) {
    guard found.count < Self.maximumEntries else {
      throw EngineError(.resourceExhausted, "'\(path)' contains more than \(Self.maximumEntries) files")
    }
    guard depth > 0 else {
      throw EngineError(
        .resourceExhausted, "'\(path)' contains directories nested more than \(Self.maximumDepth) levels deep")
    }
  }

  /// Returns the files that match a pattern such as `part-*.parquet`; none if it is not a pattern or matches itself.
  private func pattern(_ path: String) -> [String] {
    let text = TableReader.expandPath(path)
    guard text.holdsByte(of: "*?["), !text.utf8.contains(0) else { return [] }
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(text, 0, nil, &found) == 0 else { return [] }
    let names = (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    return names == [text] ? [] : names
  }

  /// Lists a directory. Takes ownership of the descriptor.
  private func list(
    _ directory: Int32, _ path: String, _ prefix: String, depth: Int, _ found: inout [PlacedFile]
  ) throws {
    defer { close(directory) }
    for name in try entries(of: directory, path).sorted() {
      try requireRoom(found, path, depth: depth)
      let descriptor = user.opening {
        let descriptor = openat(directory, name, OpenedFile.flags | O_NOFOLLOW)
        return descriptor < 0 ? -errno : descriptor
      }
      guard descriptor >= 0 else {
        // Skip links: their targets were not requested.
        if descriptor == -ELOOP { continue }
        throw failure("cannot open", "\(path)/\(prefix)\(name)", -descriptor)
      }
      guard !own.include(descriptor) else {
        close(descriptor)
        throw refusal(path, .reading)
      }
      if Self.isDirectory(descriptor) {
        try list(descriptor, path, prefix + name + "/", depth: depth - 1, &found)
      } else {
        let file = try OpenedFile(taking: descriptor, path: "\(path)/\(prefix)\(name)")
        found.append(PlacedFile(name: prefix + name, file: file))
      }
    }
  }

  /// Opens a file or directory for reading, once; its type is determined from the descriptor.
  private func opened(_ path: String, _ flags: Int32) throws -> Int32 {
    let descriptor = try resolve(path, .reading) { base, rest in
      user.opening { platform_open_beneath(base, rest, flags) }
    } unrestricted: { text in
      user.opening {
        let descriptor = Glibc.open(text, flags)
        return descriptor < 0 ? -errno : descriptor
      }
    }
    guard !own.include(descriptor) else {
      close(descriptor)
      throw refusal(path, .reading)
    }
    return descriptor
  }

  /// Finds the listed directory that contains a path, and opens the rest of the path relative to it.
  private func resolve(
    _ path: String, _ use: PlaceUse, _ open: (_ base: Int32, _ rest: String) throws -> Int32,
    unrestricted: (_ path: String) throws -> Int32
  ) throws -> Int32 {
    guard !path.utf8.contains(0), !path.isEmpty else { throw refusal(path, use) }
    guard let rules = rules() else {
      let descriptor = try unrestricted(TableReader.expandPath(path))
      guard descriptor >= 0 else { throw failure("cannot open", path, -descriptor) }
      return descriptor
    }
    let text = TableReader.withoutScheme(path)
    let parts = AllowedPlace.parts(text)
    for case .directory(let allowed) in use == .reading ? rules.read : rules.write {
      guard text.utf8.first == UInt8(ascii: "/"), AllowedPlace.begin(parts, with: allowed) else { continue }
      let base = platform_open_place(AllowedPlace.path(allowed))
      guard base >= 0 else { continue }
      defer { close(base) }
      let descriptor = try open(base, parts.dropFirst(allowed.count).joined(separator: "/"))
      if descriptor >= 0 { return descriptor }
      // The path leaves the directory.
      if -descriptor == EXDEV || -descriptor == ELOOP { continue }
      throw failure("cannot open", path, -descriptor)
    }
    throw refusal(path, use)
  }

  /// Returns the system's error; if access was denied to a user that the client may not be aware of, names that user.
  private func failure(_ action: String, _ path: String, _ code: Int32) -> GraphStoreError {
    let error = GraphStoreError.system(action, path, errno: code)
    guard let user, code == EACCES || code == EPERM else { return error }
    return GraphStoreError(
      error.code, error.message, evidence: error.evidence,
      hint:
        "The engines of this tenant run as the user \(user.name), who lacks this permission. Ask an operator to grant it "
        + "(chmod, chown, setfacl)")
  }

  /// Returns the same error for everything inaccessible, whether or not it exists.
  private func refusal(_ path: String, _ use: PlaceUse) -> EngineError {
    let verb = use == .reading ? "read" : "written"
    guard isRestricted else {
      return EngineError(
        .permissionDenied,
        "'\(bounded(path))' cannot be \(verb): it belongs to the coordinator or lies in its workspace",
        hint: "Use another directory")
    }
    let list = use == .reading ? "read" : "write"
    return EngineError(
      .permissionDenied, "'\(bounded(path))' is not among the places that this tenant may \(list)",
      hint: "Ask an operator to add its directory or address to the tenant's '\(list)' list in the access file; "
        + "\(use == .reading ? "data frames and arrays" : "results fetched by the client") need no permission")
  }

  private func bounded(_ path: String) -> String { String(path.prefix(1024)) }

  private func fileName(of path: String) -> String { path.pathParts.last ?? "" }

  private static func isDirectory(_ descriptor: Int32) -> Bool {
    var info = stat()
    return fstat(descriptor, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
  }

  private func entries(of directory: Int32, _ path: String) throws -> [String] {
    do { return try user.files { try directoryEntries("/proc/self/fd/\(directory)") } } catch {
      throw failure("cannot list", path, errno)
    }
  }

  // MARK: Writing

  func move(contentsOf staging: String, to path: String) throws {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    let source = user.opening {
      let descriptor = Glibc.open(staging, flags | O_NOFOLLOW)
      return descriptor < 0 ? -errno : descriptor
    }
    guard source >= 0 else {
      throw EngineError(.internalFailure, "cannot open the engine's output: \(String(cString: strerror(-source)))")
    }
    defer { close(source) }
    let target = try resolve(path, .writing) { base, rest in
      try directory(below: base, rest)
    } unrestricted: { text in
      // Links are followed here: an unrestricted session may use their targets.
      try makeMissing(text, of: path)
      let descriptor = Glibc.open(text, flags)
      return descriptor < 0 ? -errno : descriptor
    }
    defer { close(target) }
    guard !own.include(target) else { throw refusal(path, .writing) }
    do throws(FileMove.Failure) {
      try FileMove(own: own, user: user).move(contentsOf: source, to: target, depth: Self.maximumDepth)
    } catch {
      switch error {
      case .ours: throw refusal(path, .writing)
      case .system(let name, let code):
        let failure = failure("cannot write", bounded(path), code)
        throw EngineError(
          .engineFailure, "'\(bounded(path))' cannot be written: \(name): \(String(cString: strerror(code)))",
          hint: failure.hint)
      }
    }
  }

  /// Opens a directory below another one, creating missing directories one by one.
  private func directory(below base: Int32, _ rest: String) throws -> Int32 {
    let flags = O_RDONLY | O_DIRECTORY
    let found = user.opening { platform_open_beneath(base, rest, flags) }
    guard found == -ENOENT else { return found }
    let parts = AllowedPlace.parts(rest)
    var made = ""
    for part in parts {
      let parent = user.opening { platform_open_beneath(base, made, flags) }
      guard parent >= 0 else { return parent }
      defer { close(parent) }
      // The new directory must not be in one of the coordinator's either.
      guard !own.include(parent) else { return -EXDEV }
      guard part != ".." else { return -EXDEV }
      let outcome = user.opening { mkdirat(parent, part, 0o777) == 0 || errno == EEXIST ? 0 : -errno }
      guard outcome == 0 else { return outcome }
      made += made.isEmpty ? part : "/" + part
    }
    return user.opening { platform_open_beneath(base, rest, flags) }
  }

  /// Creates a directory and its missing parents, but not inside the coordinator's own directories.
  private func makeMissing(_ directory: String, of path: String) throws {
    guard access(directory, F_OK) != 0, errno == ENOENT, let slash = directory.lastIndex(of: "/") else { return }
    let parent = slash == directory.startIndex ? "/" : String(directory[..<slash])
    try makeMissing(parent, of: path)
    let descriptor = Glibc.open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard !own.include(descriptor) else { throw refusal(path, .writing) }
    mkdir(directory, 0o777)
  }

  // MARK: Addresses

  func require(_ address: String, options: JSONValue, for use: PlaceUse) throws {
    try requireStorage(address)
    guard let rules = rules() else { return }
    let list = use == .reading ? rules.read : rules.write
    let allowed = list.compactMap { if case .address(let address) = $0 { address } else { nil } }
    var wanted = [address]
    let members = options.members ?? []
    for (key, value) in members { try check(key, value, &wanted, address, use) }
    wanted += Self.elsewhere(members, than: address)
    for text in wanted {
      guard let parsed = try? StorageAddress(text), !parsed.isLinkLocal,
        allowed.contains(where: { $0.includes(parsed) })
      else { throw refusal(text, use) }
    }
  }

  /// Returns the members of options that name another host or port than the address. Of several with the same name, drivers use
  /// the last one.
  private static func elsewhere(_ members: [(key: String, value: JSONValue)], than address: String) -> [String] {
    func values(_ key: String) -> [String] {
      members.filter { $0.key == key && $0.value != .null }.map { $0.value.text ?? $0.value.encoded }
    }
    let (hosts, ports) = (values("host"), values("port"))
    guard !ports.isEmpty else { return hosts.map { "hdfs://\($0)" } }
    let own = (try? StorageAddress(address))?.authority ?? ""
    let named = hosts.isEmpty ? [String(own.prefix { $0 != ":" })] : hosts
    let wanted = named.flatMap { host in ports.map { "\(host):\($0)" } }
    return wanted.filter { $0 != own }.map { "hdfs://\($0)" }
  }

  /// Rejects addresses other than those of storages: drivers treat other schemes, and chains of schemes, as local files.
  private func requireStorage(_ address: String) throws(EngineError) {
    guard !Redaction.holdsSecret(address) else {
      throw EngineError(
        .invalidArgument, "an address may not contain keys: '\(bounded(address))'",
        hint: "Pass them as options: Loader(address, key=..., secret=...)")
    }
    let scheme = address.split(separator: ":").first?.lowercased() ?? ""
    guard ["s3", "oss", "hdfs", "hive"].contains(scheme), address.utf8.firstRange(of: "::".utf8) == nil else {
      throw EngineError(
        .permissionDenied, "'\(bounded(address))' is not the address of a supported storage",
        hint: "Supported storages are s3, oss, hdfs and hive")
    }
  }

  /// Options that specify credentials or behaviour. Options that specify a location are checked; all others might, and are
  /// rejected by name.
  private static let harmless: Set<String> = [
    "key", "secret", "token", "anon", "user", "username", "password", "region", "region_name", "aws_access_key_id",
    "aws_secret_access_key", "aws_session_token", "access_key", "secret_key", "use_ssl", "host", "port",
  ]

  private func check(
    _ key: String, _ value: JSONValue, _ wanted: inout [String], _ address: String, _ use: PlaceUse
  ) throws {
    switch (key, value) {
    case ("endpoint", .string(let text)), ("endpoint_url", .string(let text)):
      wanted.append(text.contains("://") ? text : "https://" + text)
    case ("client_kwargs", .object(let members)):
      for (key, value) in members { try check(key, value, &wanted, address, use) }
    case (_, .null): break
    case (_, _) where Self.harmless.contains(key) && value.members == nil && value.elements == nil: break
    default:
      throw EngineError(
        .permissionDenied, "the storage option '\(String(key.prefix(64)))' is not allowed with access control",
        hint: "Allowed options are key, secret, token, user, region, endpoint, host and port")
    }
  }
}
