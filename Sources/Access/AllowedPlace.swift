import Engines
import Support

/// The places that a tenant may access beyond its sessions' own directories, and the user that its engines run as; from the
/// access file.
public struct TenantRules: Sendable, Equatable {
  /// The places from which its graphs may be loaded.
  public var read: [AllowedPlace]
  /// The places to which its results may be written.
  public var write: [AllowedPlace]
  /// Whether its engines may run algorithms that its clients supply.
  public var runsOwnCode: Bool
  /// The user that the processes of GraphScope's engines run as; nil for the coordinator's own.
  public var runAs: EngineUser?
  /// Whether engines of other tenants may run as the same user.
  public var sharesUser: Bool

  /// Makes rules. By default a tenant can load only data that clients send.
  public init(
    read: [AllowedPlace] = [], write: [AllowedPlace] = [], runsOwnCode: Bool = false, runAs: EngineUser? = nil,
    sharesUser: Bool = false
  ) {
    (self.read, self.write, self.runsOwnCode) = (read, write, runsOwnCode)
    (self.runAs, self.sharesUser) = (runAs, sharesUser)
  }
}

/// An entry of a tenant's lists: a directory on this machine with everything below it, or storage addresses with a common
/// prefix.
public enum AllowedPlace: Sendable, Equatable {
  /// The components of an absolute path.
  case directory([String])
  /// The addresses that begin with this one.
  case address(StorageAddress)

  /// Parses an entry of the access file.
  /// - Throws: `AccessPolicyError` that describes what is wrong with it.
  public init(_ text: String) throws(AccessPolicyError) {
    if text.contains("://") {
      do throws(StorageAddress.Problem) { self = .address(try StorageAddress(text)) } catch {
        throw AccessPolicyError("'\(text)' cannot be allowed: \(error.text)")
      }
      return
    }
    let parts = Self.parts(text)
    guard text.utf8.first == UInt8(ascii: "/"), !parts.contains(".."), !text.utf8.contains(0) else {
      throw AccessPolicyError(
        "'\(text)' cannot be allowed: it is neither an absolute path of a directory without '..', nor an address such as "
          + "s3://bucket/folder/")
    }
    self = .directory(parts)
  }

  /// Returns the components of a path, without empty ones and `.`.
  public static func parts(_ path: some StringProtocol) -> [String] {
    path.pathParts.filter { $0 != "." }
  }

  /// Returns whether the components of a path begin with those of another, compared byte by byte: strings that Unicode treats
  /// as equal can name different files.
  public static func begin(_ parts: [String], with others: [String]) -> Bool {
    parts.starts(with: others) { $0.utf8.elementsEqual($1.utf8) }
  }

  /// Returns the absolute path with these components.
  public static func path(_ parts: [String]) -> String { "/" + parts.joined(separator: "/") }
}

/// A storage address, `scheme://host/path`. Parsing is strict: rejects any address that another program might interpret
/// differently.
public struct StorageAddress: Sendable, Equatable {
  /// The scheme, in lower case.
  public let scheme: String
  /// The host or bucket, with the port if there is one, in lower case.
  public let authority: String
  /// The components of the path.
  public let path: [String]

  /// A description of what is wrong with an address.
  public struct Problem: Error { let text: String }

  /// The schemes that the engines' drivers support; the last two are those of S3 and OSS endpoints.
  private static let schemes: Set<String> = ["s3", "oss", "hdfs", "hive", "http", "https"]

  /// Parses an address.
  /// - Throws: `Problem` that describes what is wrong with it.
  public init(_ text: String) throws(Problem) {
    guard let colon = text.firstRange(of: "://") else { throw Problem(text: "it has no scheme such as s3://") }
    scheme = text[..<colon.lowerBound].lowercased()
    guard Self.schemes.contains(scheme) else {
      throw Problem(text: "'\(scheme)' is not the scheme of a storage system")
    }
    let rest = text[colon.upperBound...]
    let end = rest.firstIndex(of: "/") ?? rest.endIndex
    authority = rest[..<end].lowercased()
    guard !authority.isEmpty else { throw Problem(text: "it names neither a host nor a bucket") }
    let isPlain = authority.utf8.allSatisfy { byte in
      byte < 128 && (Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber)
        || "-._:".utf8.contains(byte)
    }
    guard isPlain else {
      throw Problem(text: "its host or bucket contains characters other than letters, digits, '-', '.', '_', ':'")
    }
    let tail = rest[end...]
    // Characters with a special meaning for a driver: patterns, encodings, queries, chained file systems.
    guard !tail.holdsByte(of: "%?#*[]{}\\@;|&:\0"), !tail.contains(where: \.isNewline) else {
      throw Problem(text: "its path contains characters with a special meaning")
    }
    path = AllowedPlace.parts(tail)
    guard !path.contains("..") else { throw Problem(text: "its path contains '..'") }
  }

  /// Returns whether the other address is this one or below it.
  public func includes(_ other: StorageAddress) -> Bool {
    scheme == other.scheme && authority == other.authority && AllowedPlace.begin(other.path, with: path)
  }

  /// Whether the host is a link-local IP address. Tenants can never access these addresses: in clouds, 169.254.169.254 serves
  /// credentials to virtual machines.
  public var isLinkLocal: Bool { authority.hasPrefix("169.254.") || authority.hasPrefix("fe80:") }
}
