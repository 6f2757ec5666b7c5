import ArgumentParser
import Coordinator
import Foundation
import ServerConfiguration
import StateStore

/// `gscoordinator state`: backs up, restores and repairs the state of a coordinator. Graphs and results are files in the
/// workspace; they must be backed up together with it.
struct StateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "state", abstract: "Backs up, restores and repairs the coordinator's state.",
    subcommands: [Backup.self, Restore.self, Repair.self, Lost.self])

  /// Makes a copy of the current state.
  struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes a copy of the state to a new file, even while the coordinator runs.")

    @Argument(help: "The file to write.") var file: String
    @OptionGroup(title: "Coordinator options") var options: WorkspaceOptions

    func run() async throws {
      switch try Place(options) {
      case .sqlite(let workspace):
        try await SQLiteStateStore.backup(of: workspace, to: file)
        print("Backed up the state of '\(workspace)' to '\(file)'.")
      case .etcd(let settings):
        let store = try await StateBackend.openEtcd(settings)
        let export = try await StateExport.write(store, to: file)
        await store.close()
        print("Backed up the state at revision \(export.revision), \(export.entries) entries, to '\(file)'.")
      }
    }
  }

  /// Replaces the state with a copy.
  struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Replaces the state with a backup. Stop the coordinator first.",
      discussion:
        "With SQLite, the replaced state is kept beside the new one. With etcd, no keys may exist below etcd.prefix.")

    @Option(help: "The file that `state backup` wrote.") var from: String
    @OptionGroup(title: "Coordinator options") var options: WorkspaceOptions

    func run() async throws {
      switch try Place(options) {
      case .sqlite(let workspace):
        let replaced = try await SQLiteStateStore.restore(from: from, to: workspace)
        print("Restored the state of '\(workspace)' from '\(from)'.")
        if let replaced { print("The previous state is in '\(replaced)'.") }
      case .etcd(let settings):
        let store = try await StateBackend.openEtcd(settings)
        let author = "uid \(getuid()) on \(ProcessInfo.processInfo.hostName)"
        let export = try await StateExport.restore(from, into: store, author: author)
        await store.close()
        // The workspace remembers the previous state; accept the restored one instead.
        if let workspace = WorkspaceChoice(settings).path, access(workspace + "/etcd.seal", F_OK) == 0 {
          _ = try await EtcdStateStore.accept(try StateBackend.etcdConfiguration(settings), rememberedIn: workspace)
        }
        print("Restored \(export.entries) entries from '\(from)'.")
      }
    }
  }

  /// Recovers what can be read of a damaged state.
  struct Repair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Recovers the readable part of a damaged state, and sessions from their directories.",
      discussion: "The damaged state is kept. Files that were set aside are brought back: see `state lost`.")

    @OptionGroup(title: "Coordinator options") var options: WorkspaceOptions

    func run() async throws {
      let settings = try options.resolve().settings
      let backend: StateBackend
      let workspace: Workspace
      switch try Place(options) {
      case .sqlite(let path):
        try await Self.repair(path)
        (backend, workspace) = (.sqlite, try Workspace(path: path))
      case .etcd(let settings):
        guard let path = WorkspaceChoice(settings).path else {
          throw ConfigurationError("the workspace is not known. Give it with --workspace")
        }
        // Lock the workspace first: a running coordinator is using the file that is about to be replaced.
        (backend, workspace) = (.etcd, try Workspace(path: path))
        try await Self.accept(settings, in: path)
      }
      let store = try await backend.open(settings, workspace: workspace.path)
      do { try await StateCommand.rebuild(workspace: workspace, store: store) } catch {
        await store.close()
        throw error
      }
      await store.close()
    }

    /// Accepts the current contents of etcd, which repairs itself, as the state of the workspace.
    private static func accept(_ settings: Settings, in workspace: String) async throws {
      let entries = try await EtcdStateStore.accept(
        try StateBackend.etcdConfiguration(settings), rememberedIn: workspace)
      print("Accepted the \(entries) entries in etcd as the state of '\(workspace)'.")
    }

    private static func repair(_ workspace: String) async throws {
      guard let report = try await SQLiteStateStore.repair(directory: workspace) else {
        print("The state of '\(workspace)' is not damaged.")
        return
      }
      if let committed = report.committedRevision {
        print("Revision \(committed) was committed, but revision \(report.foundRevision) is the last one found.")
      }
      if let path = report.damagedPath {
        print("Recovered \(report.savedKeys) entries. The damaged state is in '\(path)'.")
      } else {
        print("Accepted the state of '\(workspace)' as it is, at revision \(report.revision).")
      }
      list(report.lostKeys, "lost")
      list(report.outdatedKeys, "older than before the damage")
      list(report.unconfirmedKeys, "perhaps deleted before the damage")
      list(report.suspectKeys, "perhaps damaged")
      if report.unreadableRows > 0 { print("\(report.unreadableRows) rows could not be read.") }
    }

    private static func list(_ keys: [String], _ what: String) {
      for key in keys.prefix(100) { print("\(key): \(what)") }
      if keys.count > 100 { print("… and \(keys.count - 100) more that are \(what)") }
    }
  }

  /// Where the state is stored.
  private enum Place {
    case sqlite(workspace: String)
    case etcd(Settings)

    init(_ options: some ConfigurationSource) throws {
      let settings = try options.resolve().settings
      let workspace = WorkspaceChoice(settings)
      switch try StateBackend(settings, isTemporary: workspace.path == nil) {
      case .etcd: self = .etcd(settings)
      case .sqlite:
        guard let path = workspace.path else {
          throw ConfigurationError("the workspace is not known. Give it with --workspace")
        }
        self = .sqlite(workspace: path)
      case .memory:
        throw ConfigurationError(
          "a coordinator with this configuration keeps no state. Give the workspace of another one with --workspace")
      }
    }
  }
}
