import Access
import Coordinator
import Logging
import ServerConfiguration

extension RunAs {
  /// Prepares the workspace so that the users of all tenants can reach the directories of their sessions.
  /// - Throws: `ConfigurationError` when that is not possible for one of them.
  static func prepare(
    _ access: AccessControl?, _ workspace: Workspace, engine: EngineChoice, _ logger: Logger
  ) throws {
    let users = access?.policy.tenants.values.compactMap(\.runAs) ?? []
    guard engine != .embedded else {
      if !users.isEmpty {
        logger.warning("run_as has no effect, because engine is embedded: embedded engines run in this process")
      }
      return
    }
    for user in users {
      do { try workspace.letThrough(user) } catch {
        throw ConfigurationError("run_as cannot be applied: \(error)")
      }
    }
  }
}
