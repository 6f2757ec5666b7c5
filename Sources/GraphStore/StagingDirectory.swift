import Glibc
import Workers

/// The directory in which a graph is built. It is renamed atomically to its final name when the graph is sealed; otherwise, it is
/// removed with its contents.
///
/// Its name is that of the graph followed by `.building-` and a random number, so that the remains of a killed process can be
/// recognized and removed.
final class StagingDirectory {
  /// The final path.
  let target: String
  /// The path during the build.
  let path: String
  /// The files that belong to the graph, by name.
  private(set) var files: [String: MappedFile] = [:]
  private let storage: any StorageAccount
  /// The reservations for the temporary files, which are on disk, mapped or not, until they are removed.
  private var temporaries: [StorageReservation?] = []
  private var isPublished = false

  /// Creates the directory next to `target`, whose parent must exist. Its files are charged to `storage`.
  init(target: String, storage: any StorageAccount) throws(GraphStoreError) {
    self.storage = storage
    var target = target
    while target.count > 1, target.hasSuffix("/") { target.removeLast() }
    self.target = target
    path = target + ".building-" + String(UInt64.random(in: .min ... .max), radix: 16)
    guard access(target, F_OK) != 0 else {
      throw GraphStoreError(.invalidArgument, "a graph cannot be stored in '\(target)'", evidence: "it exists already")
    }
    guard mkdir(path, 0o700) == 0 else { throw .system("cannot create the directory", path) }
  }

  deinit {
    guard !isPublished else { return }
    removeTemporaries()
    for name in files.keys { unlink(path + "/" + name) }
    unlink(path + "/" + Manifest.fileName)
    rmdir(path)
  }

  /// Creates a file of zero bytes that belongs to the graph.
  func create(_ name: String, byteCount: Int) throws(GraphStoreError) -> MappedFile {
    let file = try MappedFile.create(path: path + "/" + name, byteCount: byteCount, storage: storage)
    files[name] = file
    return file
  }

  /// Creates a file of zero bytes that is removed when the graph is published, unless it is taken into the graph.
  func createTemporary(byteCount: Int) throws(GraphStoreError) -> MappedFile {
    let file = try MappedFile.create(
      path: temporaryPath(temporaries.count), byteCount: byteCount, storage: storage)
    temporaries.append(file.reservation)
    return file
  }

  private func temporaryPath(_ number: Int) -> String { path + "/temporary-\(number)" }

  private func removeTemporaries() {
    for number in temporaries.indices { unlink(temporaryPath(number)) }
    temporaries = []
  }

  /// Takes a loader's file into the graph, by renaming it if possible.
  func take(_ file: MappedFile, as name: String) throws(GraphStoreError) {
    if rename(file.path, path + "/" + name) == 0 {
      files[name] = file
    } else {
      // The file is on another file system, was taken before, or was removed; its mapping is still valid.
      let copy = try create(name, byteCount: file.bytes.count)
      copy.bytes.copyMemory(from: UnsafeRawBufferPointer(file.bytes))
    }
  }

  /// Shares a file of the graph that is being extended.
  func share(_ name: String, of base: PropertyGraph) throws(GraphStoreError) {
    guard files[name] == nil else { return }
    guard let file = base.files[name] else {
      throw GraphStoreError(.damaged, "the graph in '\(base.directory)' has no file '\(name)'")
    }
    if link(base.directory + "/" + name, path + "/" + name) == 0 {
      files[name] = file
    } else {
      // The file system has no hard links, or the base's directory was removed while its mappings are in use.
      let copy = try create(name, byteCount: file.bytes.count)
      copy.bytes.copyMemory(from: UnsafeRawBufferPointer(file.bytes))
    }
  }

  /// Returns sizes and checksums of all files; those shared with `base` are known. The files must not be written afterwards.
  func describeFiles(sharedWith base: PropertyGraph?, _ workers: Workers) throws -> [String: Manifest.File] {
    var entries: [String: Manifest.File] = [:]
    for (name, file) in files {
      if let base, base.files[name] === file {
        entries[name] = base.manifest.files[name]
      } else {
        try file.protect()
        let checksum = try Checksum.of(UnsafeRawBufferPointer(file.bytes), workers)
        entries[name] = Manifest.File(size: file.bytes.count, checksum: checksum)
      }
    }
    return entries
  }

  /// Writes the manifest and renames the directory to its final name. If `durable`, everything reaches the disk before the
  /// rename, and the new name before this returns. Either completes or leaves no graph under the final name, after an error as
  /// well as after a crash.
  func publish(manifest: [UInt8], durable: Bool, _ workers: Workers) throws {
    removeTemporaries()
    let names = Array(files.keys)
    if durable { try workers.forEach(names.count, grain: 1) { range, _ in try range.forEach { try sync(names[$0]) } } }
    let file = try MappedFile.create(path: path + "/" + Manifest.fileName, byteCount: manifest.count)
    file.bytes.copyBytes(from: manifest)
    if durable {
      try sync(Manifest.fileName)
      try sync("")
    }
    guard rename(path, target) == 0 else {
      throw GraphStoreError.system("cannot give the graph its final name", target)
    }
    do {
      if durable { try Self.sync(path: Self.parent(of: target)) }
      isPublished = true
    } catch {
      rename(target, path)
      throw error
    }
  }

  private func sync(_ name: String) throws(GraphStoreError) { try Self.sync(path: path + "/" + name) }

  private static func sync(path: String) throws(GraphStoreError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("cannot open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system("cannot write to the disk", path) }
  }

  private static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
