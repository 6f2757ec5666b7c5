/// The token of an `authorization` header (RFC 6750, section 2.1), which gRPC and REST alike use.
public enum BearerToken {
  /// The token of a call's authorization headers; nil when there is none of them.
  /// - Throws: `AccessRefusal.malformedAuthorization` for another scheme, or several headers.
  public static func parse(_ headers: [String]) throws(AccessRefusal) -> String? {
    guard let header = headers.first else { return nil }
    let parts = header.split(separator: " ", omittingEmptySubsequences: true)
    guard headers.count == 1, parts.count == 2, parts[0].lowercased() == "bearer" else {
      throw .malformedAuthorization
    }
    return String(parts[1])
  }
}
