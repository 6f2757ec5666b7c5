import Access
import Coordinator
import Engines
import Foundation

extension AccessFile {
  /// The maximum number of entries in a list of places.
  private static let maximumPlaces = 1000

  /// Adds an entry of `tenants`: what the sessions of a tenant may read and write, and the user that their engines run as.
  mutating func add(tenant entry: AccessEntry) throws {
    try entry.allow(["tenant", "read", "write", "own_code", "run_as", "run_as_shared"])
    let tenant = try entry.text("tenant")
    try AccessNames.checkTenant(tenant)
    let rules = TenantRules(
      read: try Self.places(entry, "read"), write: try Self.places(entry, "write"),
      runsOwnCode: try Self.flag(entry, "own_code"), runAs: try Self.user(of: entry),
      sharesUser: try Self.flag(entry, "run_as_shared"))
    guard rules.runAs != nil || !rules.sharesUser else {
      throw AccessPolicyError("\(entry.name): run_as_shared has no effect without run_as")
    }
    guard tenants.updateValue(rules, forKey: tenant) == nil else {
      throw AccessPolicyError("the tenant '\(tenant)' has two entries. Remove one")
    }
  }

  private static func user(of entry: AccessEntry) throws -> EngineUser? {
    guard let text = try entry.optionalText("run_as") else { return nil }
    do { return try RunAs.user(text) } catch {
      throw AccessPolicyError("\(entry.name): run_as: \(error)")
    }
  }

  private static func flag(_ entry: AccessEntry, _ key: String) throws -> Bool {
    guard let value = entry.value(key) else { return false }
    guard let flag = value as? Bool else { throw AccessPolicyError("\(entry.name): \(key) must be true or false") }
    return flag
  }

  private static func places(_ entry: AccessEntry, _ key: String) throws -> [AllowedPlace] {
    guard let value = entry.value(key) else { return [] }
    guard let texts = value as? [String], texts.count <= maximumPlaces else {
      throw AccessPolicyError(
        "\(entry.name): \(key) must be a list of at most \(maximumPlaces) directories and addresses")
    }
    do { return try texts.map { try AllowedPlace($0) } } catch let error as AccessPolicyError {
      throw AccessPolicyError("\(entry.name): \(key): \(error)")
    }
  }
}
