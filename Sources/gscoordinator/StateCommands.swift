import ArgumentParser
import Cluster
import Foundation

/// `gscoordinator state`: keeps and mends what the coordinator knows. Graphs and results are files in the workspace; back
/// them up with it.
struct StateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "state", abstract: "Backs up, restores and repairs the coordinator's state.",
    subcommands: [Backup.self, Restore.self, Repair.self])

  /// Copies the state as it is at this moment.
  struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes a copy of the state to a new file, also while the coordinator runs.")

    @Argument(help: "The file to write.") var file: String
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
      switch try Place(options) {
      case .sqlite(let workspace):
        try await SQLiteStateStore.backup(of: workspace, to: file)
        print("The state of '\(workspace)' is in '\(file)'.")
      case .etcd(let settings):
        let store = try await StateBackend.etcd.open(settings, workspace: "")
        let export = try await StateExport.write(store, to: file)
        await store.close()
        print("The state at revision \(export.revision), \(export.entries) entries, is in '\(file)'.")
      }
    }
  }

  /// Replaces the state by a copy.
  struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Replaces the state by a backup. No coordinator may be running.",
      discussion: "With SQLite the replaced state is kept beside the new one; etcd's must be empty.")

    @Option(help: "The backup.") var from: String
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
      switch try Place(options) {
      case .sqlite(let workspace):
        let replaced = try await SQLiteStateStore.restore(from: from, to: workspace)
        print("The state of '\(workspace)' is that of '\(from)'.")
        if let replaced { print("What it was before is in '\(replaced)'.") }
      case .etcd(let settings):
        let store = try await StateBackend.etcd.open(settings, workspace: "")
        let author = "uid \(getuid()) on \(ProcessInfo.processInfo.hostName)"
        let export = try await StateExport.restore(from, into: store, author: author)
        await store.close()
        print("The state has the \(export.entries) entries of '\(from)'.")
      }
    }
  }

  /// Saves what can be read of a damaged state.
  struct Repair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Saves what can be read of a damaged state. The damaged one is kept.")

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
      guard case .sqlite(let workspace) = try Place(options) else {
        throw ConfigurationError("the state is in etcd, which repairs itself: see `etcdctl snapshot restore`")
      }
      guard let report = try await SQLiteStateStore.repair(directory: workspace) else {
        print("The state of '\(workspace)' is not damaged.")
        return
      }
      print("Saved \(report.savedKeys) entries. The damaged state is in '\(report.damagedPath)'.")
      Self.list(report.lostKeys, "lost")
      Self.list(report.outdatedKeys, "older than it was")
      Self.list(report.unconfirmedKeys, "perhaps deleted before the damage")
      Self.list(report.suspectKeys, "perhaps damaged")
      if report.unreadableRows > 0 { print("\(report.unreadableRows) rows could not be read.") }
    }

    private static func list(_ keys: [String], _ what: String) {
      for key in keys.prefix(100) { print("\(key): \(what)") }
      if keys.count > 100 { print("… and \(keys.count - 100) more that are \(what)") }
    }
  }

  /// Where the state is.
  private enum Place {
    case sqlite(workspace: String)
    case etcd(Settings)

    init(_ options: ConfigurationOptions) throws {
      let settings = try options.resolve().settings
      let workspace = WorkspaceChoice(settings)
      switch try StateBackend(settings, isTemporary: workspace.path == nil) {
      case .etcd: self = .etcd(settings)
      case .sqlite:
        guard let path = workspace.path else { throw ConfigurationError("say which state is meant: --workspace") }
        self = .sqlite(workspace: path)
      case .memory:
        throw ConfigurationError("a coordinator of this configuration keeps no state. Say which is meant: --workspace")
      }
    }
  }
}
