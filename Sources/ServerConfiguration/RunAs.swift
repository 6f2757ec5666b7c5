import Access
import CPlatform
import Coordinator
import Engines
import Foundation
import GraphScopeEngines
import Logging

/// The users that the engines of tenants run as, from `run_as` in the access file.
public enum RunAs {
  /// Returns the user with a name or number. A number needs no entry in the machine's user database; then it is also the number
  /// of its group.
  /// - Throws: `AccessPolicyError` for a user that is unknown, root, or in root's group.
  public static func user(_ text: String) throws(AccessPolicyError) -> EngineUser {
    let user: EngineUser
    if let number = UInt32(text) {
      if let entry = getpwuid(number) { user = try known(entry.pointee) } else { user = try numbered(number) }
    } else {
      guard let entry = getpwnam(text) else {
        throw AccessPolicyError("there is no user '\(text)' on this machine. Create it (useradd), or give a number")
      }
      user = try known(entry.pointee)
    }
    guard user.number != 0 else {
      throw AccessPolicyError("'\(text)' is root, which may do everything. Create a separate user for the engines")
    }
    guard user.number < UInt32.max, user.group < UInt32.max else {
      throw AccessPolicyError("'\(text)' is not a valid user number")
    }
    guard user.group != 0, !user.groups.contains(0) else {
      throw AccessPolicyError("the user '\(text)' is a member of root's group. Remove it from that group")
    }
    return user
  }

  private static func known(_ entry: passwd) throws(AccessPolicyError) -> EngineUser {
    let name = String(cString: entry.pw_name)
    var count: Int32 = 64
    while count <= 65536 {
      var groups = [gid_t](repeating: 0, count: Int(count))
      var found = count
      if getgrouplist(name, entry.pw_gid, &groups, &found) >= 0 {
        return EngineUser(
          name: name, number: entry.pw_uid, group: entry.pw_gid, groups: Array(groups.prefix(Int(found))))
      }
      count = max(found, count * 2)
    }
    throw AccessPolicyError("the groups of the user '\(name)' cannot be determined")
  }

  /// Returns a user without an entry. Its group must not exist, because it would have another purpose.
  private static func numbered(_ number: UInt32) throws(AccessPolicyError) -> EngineUser {
    if number != 0, let group = getgrgid(number) {
      throw AccessPolicyError(
        "the user \(number) has no entry on this machine, and the group \(number) is "
          + "'\(String(cString: group.pointee.gr_name))'. Create the user (useradd), or give another number")
    }
    return EngineUser(name: "\(number)", number: number, group: number, groups: [number])
  }

  private static let names: [(bit: UInt64, name: String)] = [
    (0, "CAP_CHOWN"), (1, "CAP_DAC_OVERRIDE"), (3, "CAP_FOWNER"), (5, "CAP_KILL"), (6, "CAP_SETGID"), (7, "CAP_SETUID"),
  ]

  /// Returns the reason for which this process cannot start others as a user; nil when it can.
  public static func obstacle(_ user: EngineUser) -> String? {
    guard geteuid() == 0 else {
      return "the coordinator runs as the user \(geteuid()), and only root may start programs as other users"
    }
    let lacking = platform_lacking_capabilities()
    let missing = names.filter { lacking & (1 << $0.bit) != 0 }.map(\.name)
    guard missing.isEmpty else { return "the coordinator lacks \(missing.joined(separator: ", "))" }
    do { try user.files {} } catch {
      return "the user \(user.name) cannot be used here: its number is not mapped in this user namespace"
    }
    return nil
  }

  /// Requires that the engines of all tenants can be started as the users that the file specifies.
  /// - Throws: `AccessPolicyError`.
  public static func requireMayBe(_ tenants: [String: TenantRules]) throws(AccessPolicyError) {
    for (name, rules) in tenants.sorted(by: { $0.key < $1.key }) {
      guard let user = rules.runAs, let obstacle = obstacle(user) else { continue }
      throw AccessPolicyError(
        "the engines of the tenant '\(name)' cannot run as the user \(user.name) (run_as): \(obstacle). Start the coordinator as "
          + "root, or remove run_as")
    }
  }
}
