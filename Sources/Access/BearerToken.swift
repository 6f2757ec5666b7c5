/// The token of an `authorization` header (RFC 6750, section 2.1), as used by gRPC and REST.
public enum BearerToken {
  /// Returns the token from the authorization headers of a call; nil when there is no header.
  /// - Throws: `AccessRefusal.malformedAuthorization` for another scheme, or for several headers.
  public static func parse(_ headers: [String]) throws(AccessRefusal) -> String? {
    guard let header = headers.first else { return nil }
    let parts = header.split(separator: " ", omittingEmptySubsequences: true)
    guard headers.count == 1, parts.count == 2, parts[0].lowercased() == "bearer" else {
      throw .malformedAuthorization
    }
    return String(parts[1])
  }
}
