import Access
import ArgumentParser
import Coordinator
import Foundation
import ServerConfiguration

/// `gscoordinator token`: creates, lists and revokes tokens. The commands change the token file; a running coordinator notices
/// the change within a second.
struct TokenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Creates, lists and revokes the tokens that identify callers.",
    subcommands: [Create.self, List.self, Revoke.self])

  /// The options that specify the token file.
  struct Place: ParsableArguments {
    @Option(help: "The token file. Default: access.token_file of the configuration.") var file: String?
    @OptionGroup var options: ConfigurationBase

    func resolve() throws -> TokenFile {
      if let file { return TokenFile(file) }
      guard let path = try options.resolve().settings.optionalText(.accessTokenFile) else {
        throw ConfigurationError(
          "the token file is not known. Give it with --file, or set access.token_file in the configuration")
      }
      return TokenFile(path)
    }
  }

  /// Creates a token.
  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Creates a token and prints its secret, which is not stored anywhere.")

    @Option(help: "The principal on whose behalf calls with the token are made.") var principal: String
    @Option(help: "The tenant of the principal.") var tenant = defaultTenant
    @Option(help: "The role of the principal: viewer, user or operator.") var role: String
    @Option(help: "The time after which the token expires, such as 90s, 10m, 2h or 30d. Default: never.") var expires:
      String?
    @OptionGroup var place: Place

    func validate() throws {
      guard Role(rawValue: role) != nil else {
        let roles = Role.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--role is '\(role)', but must be one of \(roles)")
      }
      if let expires, OperatorTime.milliseconds(expires) == nil {
        throw ValidationError("--expires is '\(expires)', but must be a length of time such as 12h or 30d")
      }
    }

    func run() async throws {
      // In whole seconds, the precision of the file.
      let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
      let end = expires.flatMap(OperatorTime.milliseconds).map { now + TimeInterval($0) / 1000 }
      let identity = Identity(principal: Principal(principal), tenant: tenant, role: Role(rawValue: role) ?? .viewer)
      let (token, secret) = try AccessToken.make(identity, created: now, expires: end)
      try place.resolve().add(token)
      print(secret)
    }
  }

  /// Lists the tokens.
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists all tokens, without their secrets.")

    @OptionGroup var place: Place

    func run() async throws {
      let now = Date()
      var table = TextTable(["ID", "PRINCIPAL", "TENANT", "ROLE", "CREATED", "EXPIRES", "STATE"])
      let rows = try place.resolve().read().map { token in
        [
          token.id, token.principal, token.tenant, token.role.rawValue, Self.text(token.created),
          token.expires.map(Self.text) ?? "never", Self.state(token, now),
        ]
      }
      guard !rows.isEmpty else { return print("No tokens found.") }
      for line in table.lines(rows) { print(line) }
    }

    private static func text(_ date: Date) -> String { date.formatted(.iso8601) }

    private static func state(_ token: AccessToken, _ now: Date) -> String {
      if token.revoked != nil { return "revoked" }
      return token.isValid(at: now) ? "valid" : "expired"
    }
  }

  /// Revokes a token.
  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Revokes a token: calls with it are denied, and running ones end.")

    @Argument(help: "The token's id, as `token list` shows it.") var id: String
    @OptionGroup var place: Place

    func run() async throws {
      let token = try place.resolve().revoke(id, at: Date())
      print("Revoked the token \(token.id) of \(token.principal).")
    }
  }
}
