import Access
import CPlatform
import Engines
import Foundation
import GraphStore
import JSON
import Synchronization
import Testing
import Turns
import Wire

@testable import Coordinator

@Suite("The places of a tenant", .takesTurns)
final class PlaceTests {
  private let root: String
  private let allowed: String
  private let secret: String

  init() throws {
    // Resolve links: on some systems, the directory for temporary files is one.
    root = URL(fileURLWithPath: NSTemporaryDirectory() + "places-\(UUID().uuidString)").resolvingSymlinksInPath().path
    allowed = root + "/allowed"
    secret = root + "/outside/secret.csv"
    for directory in [allowed, root + "/outside", root + "/workspace/sessions/s", allowed + "/deep/er"] {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }
    try write("id\n1\n", allowed + "/data.csv")
    try write("id\n7\n", secret)
    try write("tokens", root + "/tokens")
    try write("state", root + "/workspace/state.db")
    try write("column", root + "/workspace/sessions/s/ids.values")
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  private func write(_ text: String, _ path: String) throws {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  private var own: OwnFiles { OwnFiles(directories: [root + "/workspace"], files: [root + "/tokens"]) }

  private func places(read: [String], write: [String] = []) throws -> SessionPlaces {
    let rules = TenantRules(read: try read.map { try AllowedPlace($0) }, write: try write.map { try AllowedPlace($0) })
    return SessionPlaces(own: own) { rules }
  }

  private var unrestricted: SessionPlaces { SessionPlaces(own: own) { nil } }

  private func text(_ file: OpenedFile) -> String {
    var bytes = [UInt8](repeating: 0, count: file.byteCount)
    let count = pread(file.descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  private func refusal(_ places: SessionPlaces, _ path: String) -> String? {
    do {
      _ = try places.open(path)
      return nil
    } catch let error as EngineError where error.code == .permissionDenied {
      return error.description.replacing("'\(path)'", with: "'PATH'")
    } catch { return "another error: \(error)" }
  }

  @Test("listed places are readable, however they are spelled, and so are links that stay inside")
  func listed() throws {
    try FileManager.default.createSymbolicLink(atPath: allowed + "/link.csv", withDestinationPath: "data.csv")
    try FileManager.default.createSymbolicLink(atPath: allowed + "/deep/up.csv", withDestinationPath: "../data.csv")
    let places = try places(read: [allowed])
    for path in [
      "\(allowed)/data.csv", "file://\(allowed)/data.csv", "FILE://\(allowed)/data.csv", "/\(allowed)//./data.csv",
      "\(allowed)/deep/../data.csv", "\(allowed)/link.csv", "\(allowed)/deep/up.csv",
    ] {
      #expect(text(try places.open(path)) == "id\n1\n", "\(path)")
    }
  }

  @Test("the same refusal for everything not listed, whether or not it exists")
  func refused() throws {
    let places = try places(read: [allowed])
    let links = ["absolute": secret, "climbing": "../outside/secret.csv", "dangling": "/nowhere/at/all", "root": "/"]
    for (name, target) in links {
      try FileManager.default.createSymbolicLink(atPath: "\(allowed)/\(name)", withDestinationPath: target)
    }
    #expect(link(root + "/tokens", allowed + "/hard.csv") == 0)
    #expect(link(root + "/workspace/sessions/s/ids.values", allowed + "/column.csv") == 0)
    let words = Set(
      [
        secret, "/nowhere/at/all", "/etc/shadow", "/etc/passwd", "/proc/self/environ", "/proc/self/root/etc/shadow",
        "file:////etc/shadow", "file://\(secret)", "\(allowed)/../outside/secret.csv",
        "\(allowed)/deep/../../outside/x",
        "\(allowed)/absolute", "\(allowed)/climbing", "\(allowed)/dangling", "\(allowed)/root/etc/passwd",
        "\(allowed)/hard.csv", "\(allowed)/column.csv", "\(root)/tokens", "\(root)/workspace/state.db", "\(allowed)2/x",
        "allowed/data.csv", "~/x", "$HOME/x", "", "/", "\(allowed)/data.csv\0.csv", "%2Fetc%2Fshadow", "s3://x/y",
      ].map { refusal(places, $0) ?? "read: \($0)" })
    #expect(
      words.count == 1 && words.first?.contains("is not among the places that this tenant may read") == true, "\(words)"
    )
    let none = SessionPlaces(own: own) { TenantRules() }
    #expect(refusal(none, "\(allowed)/data.csv") == words.first)
  }

  @Test("without rules, everything is readable except the coordinator's files, by any name")
  func unruled() throws {
    try FileManager.default.createSymbolicLink(atPath: root + "/link", withDestinationPath: root + "/tokens")
    try FileManager.default.createSymbolicLink(atPath: root + "/w", withDestinationPath: root + "/workspace")
    #expect(link(root + "/workspace/sessions/s/ids.values", root + "/hard") == 0)
    #expect(text(try unrestricted.open(secret)) == "id\n7\n")
    for path in [
      "tokens", "link", "w/state.db", "workspace/state.db", "hard", "workspace/../workspace/sessions/s/ids.values",
    ] {
      let words = refusal(unrestricted, "\(root)/\(path)") ?? "read"
      #expect(words.contains("belongs to the coordinator"), "\(path): \(words)")
    }
  }

  @Test("only regular files: no pipes, devices, directories or files of the kernel", arguments: [true, false])
  func regular(_ isRestricted: Bool) throws {
    mkfifo(allowed + "/pipe", 0o600)
    let places = isRestricted ? try places(read: [allowed, "/dev", "/proc", "/sys"]) : unrestricted
    for path in [
      allowed + "/pipe", "/dev/zero", "/dev/null", allowed, "/proc/self/environ", "/proc/1/cmdline",
      "/sys/kernel/uevent_seqnum",
    ] {
      #expect(throws: (any Error).self, "\(path)") { try places.open(path) }
    }
  }

  @Test("a link that is swapped during opening never leads outside", arguments: [false, true])
  func swapped(_ walking: Bool) throws {
    let (path, next) = (allowed + "/deep/swap.csv", allowed + "/deep/next")
    let stops = Atomic(false)
    let swapper = Thread { [allowed, secret] in
      while !stops.load(ordering: .relaxed) {
        symlink(secret, next)
        rename(next, path)
        link(allowed + "/data.csv", next)
        rename(next, path)
      }
    }
    swapper.start()
    defer { stops.store(true, ordering: .relaxed) }
    let places = try places(read: [allowed])
    let base = platform_open_place(allowed)
    defer { close(base) }
    for _ in 0..<3000 {
      let file: OpenedFile?
      if walking {
        let descriptor = platform_open_beneath_walking(base, "deep/swap.csv", OpenedFile.flags)
        file = descriptor < 0 ? nil : try OpenedFile(taking: descriptor, path: path)
      } else {
        file = try? places.open(path)
      }
      if let file { #expect(text(file) == "id\n1\n") }
    }
  }

  @Test("the walk, for kernels without openat2, follows no link and no '..'")
  func walk() throws {
    try FileManager.default.createSymbolicLink(atPath: allowed + "/link", withDestinationPath: "deep")
    let base = platform_open_place(allowed)
    defer { close(base) }
    func code(_ path: String) -> Int32 {
      let descriptor = platform_open_beneath_walking(base, path, O_RDONLY)
      if descriptor >= 0 { close(descriptor) }
      return min(descriptor, 0)
    }
    #expect(code("data.csv") == 0 && code("deep//er/") == 0 && code("") == 0 && code("./data.csv") == 0)
    #expect(code("link") == -ELOOP && code("link/er") == -ELOOP && code("../outside/secret.csv") == -EXDEV)
    #expect(code("deep/../data.csv") == -EXDEV && code("nowhere") == -ENOENT && code("data.csv/x") == -ENOTDIR)
    #expect(code(String(repeating: "x", count: 300)) == -ENAMETOOLONG)
  }

  @Test("output is moved into a listed directory, replacing links rather than following them")
  func written() throws {
    let staging = root + "/workspace/sessions/s/output"
    func stage() throws {
      try FileManager.default.createDirectory(atPath: staging + "/inner", withIntermediateDirectories: true)
      try write("new", staging + "/out.csv_0")
      try write("deep", staging + "/inner/blob")
    }
    try stage()
    try FileManager.default.createSymbolicLink(atPath: allowed + "/out.csv_0", withDestinationPath: secret)
    let places = try places(read: [], write: [allowed])
    try places.move(contentsOf: staging, to: "file://\(allowed)")
    #expect(try String(contentsOfFile: allowed + "/out.csv_0", encoding: .utf8) == "new")
    #expect(try String(contentsOfFile: secret, encoding: .utf8) == "id\n7\n")
    try stage()
    try places.move(contentsOf: staging, to: "\(allowed)/not/yet/there")
    #expect(try String(contentsOfFile: allowed + "/not/yet/there/inner/blob", encoding: .utf8) == "deep")
    try stage()
    try FileManager.default.createSymbolicLink(atPath: allowed + "/away", withDestinationPath: root + "/outside")
    let forbidden = ["/outside", "/allowed/away", "/allowed/../outside", "/allowed/away/new", "/workspace", ""]
    for path in forbidden.map({ root + $0 }) {
      #expect(throws: EngineError.self, "\(path)") { try places.move(contentsOf: staging, to: path) }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/outside") == ["secret.csv"])
  }

  @Test("no file of the coordinator is overwritten, with and without rules")
  func overwritten() throws {
    let staging = root + "/workspace/sessions/s/output"
    try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true)
    try write("mine", staging + "/tokens")
    for places in [unrestricted, try places(read: [], write: ["/"])] {
      for path in [root, root + "/workspace", root + "/workspace/new/logs"] {
        let error = #expect(throws: EngineError.self, "\(path)") { try places.move(contentsOf: staging, to: path) }
        #expect(error?.code == .permissionDenied)
      }
    }
    #expect(try String(contentsOfFile: root + "/tokens", encoding: .utf8) == "tokens")
    try unrestricted.move(contentsOf: staging, to: root + "/outside/made/here")
    #expect(try String(contentsOfFile: root + "/outside/made/here/tokens", encoding: .utf8) == "mine")
  }

  @Test("the files of a tree, without the targets of links")
  func tree() throws {
    try write("x", allowed + "/deep/er/blob")
    try FileManager.default.createSymbolicLink(atPath: allowed + "/deep/away", withDestinationPath: secret)
    let files = try places(read: [allowed]).files(at: allowed)
    #expect(files.map(\.name) == ["data.csv", "deep/er/blob"])
    #expect(throws: EngineError.self) { try places(read: [allowed]).files(at: root) }
    #expect(throws: EngineError.self) { try unrestricted.files(at: root) }
  }

  @Test("a pattern, and files whose names are patterns")
  func patterns() throws {
    for name in ["a*", "ab", "a[1]"] { try write(name, "\(allowed)/\(name)") }
    #expect(try unrestricted.files(at: allowed + "/a*").map(\.name) == ["a*", "a[1]", "ab"])
    #expect(try unrestricted.files(at: allowed + "/a[1]").map(\.name) == ["a[1]"])
  }

  @Test("names that differ in their bytes are different places, even if Unicode considers them equal")
  func normalization() throws {
    let places = try places(read: ["s3://data/caf\u{e9}/"])
    try places.require("s3://data/caf\u{e9}/x", options: .null, for: .reading)
    #expect(throws: EngineError.self) {
      try places.require("s3://data/cafe\u{301}/x", options: .null, for: .reading)
    }
    #expect(!isSessionName("../\u{301}x") && !isSessionName("s\u{600}/x") && isSessionName("session_x"))
  }

  @Test(
    "addresses of storages by list, and what their options ask",
    arguments: [
      ("s3://data/public/x.csv", "{}", true), ("S3://Data/public/deep/x", "{}", true),
      ("s3://data/private/x.csv", "{}", false), ("s3://data/public/../private/x", "{}", false),
      ("s3://data.evil/public/x", "{}", false), ("s3://data/public/x::file:///etc/shadow", "{}", false),
      ("s3://a:b@data/public/x", "{}", false), ("s3://data/public/%2e%2e/private", "{}", false),
      ("s3://data/public/x", #"{"key": "a", "secret": "b", "anon": false}"#, true),
      ("s3://data/public/x", #"{"client_kwargs": {"endpoint_url": "http://169.254.169.254"}}"#, false),
      ("s3://data/public/x", #"{"endpoint_url": "http://127.0.0.1:63800"}"#, false),
      ("s3://data/public/x", #"{"client_kwargs": {"endpoint_url": "https://minio.example:9000"}}"#, true),
      ("s3://data/public/x", #"{"config_kwargs": {"proxies": {"http": "x"}}}"#, false),
      ("hdfs://namenode:9000/tables/t", "{}", true), ("hdfs://namenode:50070/tables/t", "{}", false),
      ("hdfs:///tables/t", "{}", false),
      ("hdfs://namenode:9000/tables/t", #"{"host": "localhost", "port": 22}"#, false),
      ("hdfs://namenode:9000/tables/t", #"{"port": 22}"#, false),
      ("hdfs://namenode:9000/tables/t", #"{"port": 9000}"#, true),
      ("hdfs://namenode:9000/tables/t", #"{"host": "namenode", "port": 9000, "host": "other"}"#, false),
      // Slashes and other ASCII characters that are not characters of their own in Swift, because a combining mark follows.
      ("hdfs://namenode:9000/tables/../\u{301}a\u{600}/../secret", "{}", false),
      ("s3://data/public/x\u{600}?versionId=1", "{}", false), ("s3://data/public/\u{301}x", "{}", true),
      ("http://169.254.169.254/latest", "{}", false), ("unix:///run/docker.sock", "{}", false),
      ("file:///etc/shadow", "{}", false),
    ])
  func addresses(_ address: String, _ options: String, _ isAllowed: Bool) throws {
    let places = try places(
      read: [
        "s3://data/public/", "https://minio.example:9000", "hdfs://namenode:9000/tables", "http://169.254.169.254/",
      ])
    let json = try JSONValue(parsing: options)
    do {
      try places.require(address, options: json, for: .reading)
      #expect(isAllowed)
    } catch {
      #expect(!isAllowed, "\(error)")
      #expect([.permissionDenied, .invalidArgument].contains((error as? EngineError)?.code))
    }
    #expect(throws: EngineError.self) { try places.require(address, options: json, for: .writing) }
    // Without restrictions, any storage is accepted, but only storages.
    let isStorage =
      !address.contains("::") && !address.contains("@") && ["s3:", "hdf"].contains(address.prefix(3).lowercased())
    let isAsked = (try? unrestricted.require(address, options: json, for: .writing)) != nil
    #expect(isAsked == isStorage)
  }

  // MARK: Another user

  private static let user = EngineUser(name: "61231", number: 61_231, group: 61_231, groups: [61_231])
  private static let mayBeOthers = geteuid() == 0 && platform_lacking_capabilities() == 0

  @Test("A file is opened with the rights of the user that the engines run as", .enabled(if: mayBeOthers, "needs root"))
  func openedAsAnother() throws {
    let rules = TenantRules(read: [try AllowedPlace(allowed)])
    let places = SessionPlaces(own: own, user: Self.user) { rules }
    chmod(root, 0o700)
    #expect(text(try places.open(allowed + "/data.csv")) == "id\n1\n", "who lists a directory lets through to it")
    chmod(allowed + "/data.csv", 0o600)
    let error = #expect(throws: GraphStoreError.self) { try places.open(allowed + "/data.csv") }
    #expect(error?.description.contains("run as the user 61231") == true, "\(String(describing: error))")
    #expect(try places.files(at: allowed + "/deep").isEmpty)
    #expect(throws: GraphStoreError.self) { try places.files(at: allowed) }
    // The owner of the coordinator's own files is determined with the coordinator's rights.
    link(root + "/tokens", allowed + "/tokens.csv")
    chmod(root + "/tokens", 0o644)
    #expect(refusal(places, allowed + "/tokens.csv") != nil)
  }

  @Test("Output is moved with the rights of that user, who then owns it", .enabled(if: mayBeOthers, "needs root"))
  func movedAsAnother() throws {
    let (staging, target) = (root + "/workspace/sessions/s/engines", root + "/results")
    for directory in [staging, target] {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }
    for directory in [root, root + "/workspace", root + "/workspace/sessions", root + "/workspace/sessions/s"] {
      chmod(directory, 0o711)
    }
    chown(staging, Self.user.number, Self.user.group)
    let rules = TenantRules(write: [try AllowedPlace(target)])
    let places = SessionPlaces(own: own, user: Self.user) { rules }
    try Self.user.files { try write("1", staging + "/out.csv") }
    let error = #expect(throws: EngineError.self) { try places.move(contentsOf: staging, to: target) }
    #expect(error?.description.contains("run as the user 61231") == true, "\(String(describing: error))")
    chown(target, Self.user.number, Self.user.group)
    try places.move(contentsOf: staging, to: target + "/new")
    var info = stat()
    #expect(stat(target + "/new/out.csv", &info) == 0 && info.st_uid == Self.user.number)
    // A name that the engine gave to another user's file does not allow reading it, or moving a link.
    link(secret, staging + "/secret.csv")
    chmod(secret, 0o600)
    symlink(secret, staging + "/link.csv")
    #expect(throws: EngineError.self) { try places.move(contentsOf: staging, to: target) }
    #expect(access(target + "/link.csv", F_OK) != 0)
  }

  @Test(
    "A workspace lets such users pass to their sessions, and to nothing else", .enabled(if: mayBeOthers, "needs root"))
  func passage() throws {
    let path = root + "/w"
    let workspace = try Workspace(path: path)
    chmod(root, 0o711)
    for session in ["s", "t"] { _ = try workspace.makeSessionDirectory(session) }
    try write("state", path + "/state.db")
    try FileManager.default.createDirectory(atPath: path + "/warm", withIntermediateDirectories: true)
    try workspace.letThrough(Self.user, to: "s")
    func sees(_ name: String, _ flags: Int32 = O_RDONLY) throws -> Bool {
      try Self.user.files {
        let descriptor = open("\(path)/\(name)", flags)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
      }
    }
    try FileManager.default.createDirectory(atPath: path + "/sessions/s/engines", withIntermediateDirectories: true)
    chown(path + "/sessions/s/engines", Self.user.number, Self.user.group)
    #expect(try sees("sessions/s/engines"))
    for name in ["", "sessions", "sessions/s", "sessions/t", "state.db", "lock", "warm", "children", "user-libraries"] {
      #expect(try !sees(name), "\(name)")
    }
    chmod(root, 0o700)
    let error = #expect(throws: CoordinatorError.self) { try workspace.letThrough(Self.user, to: "s") }
    #expect(error?.description.contains("may not traverse '\(root)'") == true, "\(String(describing: error))")
  }
}
