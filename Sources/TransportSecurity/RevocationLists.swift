import CLibcrypto
import NIOSSL
import Support

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// @unchecked: the lists and the store are not modified after init; libcrypto sorts their entries under a lock of its own.
/// Lists of revoked client certificates (RFC 5280, section 5), each issued by an authority of client certificates.
///
/// As in OpenSSL's verification, a certificate whose authority has no list, or only one that should have been replaced by now, is
/// not accepted: whether it is revoked is unknown. Only complete lists are supported.
final class RevocationLists: @unchecked Sendable {
  private let file: String
  private let lists: [List]
  private let store: OpaquePointer

  fileprivate struct List {
    let pointer: OpaquePointer
    let issuer: String
    /// The time by which the list is replaced, in seconds since 1970.
    let nextUpdate: time_t
  }

  /// Maximum size of a file, in bytes.
  static let maximumBytes = 16 << 20
  private static let maximumLists = 100

  /// Reads the lists in a PEM file.
  /// - Throws: `TLSError` that names the file and, if there is one, the list that cannot be used.
  init(file: String, authorities: Authorities) throws(TLSError) {
    self.file = file
    let bytes = try PEMFile.contents(file, atMost: Self.maximumBytes)
    var pointers = [OpaquePointer?](repeating: nil, count: Self.maximumLists + 1)
    let count = Int(clibcrypto_crl_read(bytes, Int64(bytes.count), &pointers, Int32(pointers.count)))
    guard count > 0 else {
      throw TLSError(
        .malformed, "'\(file)' holds no list of revoked certificates, a damaged one, or more than \(Self.maximumLists)",
        hint: "Give a file in PEM: -----BEGIN X509 CRL-----")
    }
    lists = pointers.prefix(count).compactMap { $0.map { List($0) } }
    store = Self.store(authorities, lists)
    for list in lists { try check(list, authorities) }
  }

  deinit {
    clibcrypto_store_free(store)
    for list in lists { clibcrypto_crl_free(list.pointer) }
  }

  private static func store(_ authorities: Authorities, _ lists: [List]) -> OpaquePointer {
    guard let store = clibcrypto_store_new() else { fatalError("libcrypto has no memory for a store of certificates") }
    // What cannot be added is missed when a chain is verified, which then fails.
    for certificate in authorities.certificates {
      guard let bytes = try? certificate.toDERBytes() else { continue }
      _ = clibcrypto_store_add_authority(store, bytes, Int64(bytes.count))
    }
    for list in lists { _ = clibcrypto_store_add_list(store, list.pointer) }
    return store
  }

  private func check(_ list: List, _ authorities: Authorities) throws(TLSError) {
    let name = "the list of certificates revoked by '\(list.issuer)' in '\(file)'"
    let isKnown = authorities.certificates.contains { certificate in
      guard let bytes = try? certificate.toDERBytes() else { return false }
      return clibcrypto_crl_is_of_authority(list.pointer, bytes, Int64(bytes.count)) == 1
    }
    guard isKnown else {
      throw TLSError(
        .mismatch, "\(name) is not signed by an authority of client certificates",
        hint: "Give lists of the authorities that are configured, and add those of intermediate ones to both files")
    }
    guard clibcrypto_crl_has_critical_extension(list.pointer) == 0 else {
      throw TLSError(.malformed, "\(name) is not a complete one", hint: "Give lists without critical extensions")
    }
    guard list.nextUpdate > time(nil) else {
      throw TLSError(
        .expired, "\(name) should have been replaced by \(NIOSSLCertificate.text(list.nextUpdate))",
        hint: "Get the current list, or check the clock")
    }
  }

  /// Returns why the chain of a client, beginning with its own certificate, is not accepted; nil if it is: if it leads to an
  /// authority that issued itself, is for clients, and no certificate in it is revoked.
  func objection(toChain chain: [NIOSSLCertificate], at now: time_t) -> ChainObjection? {
    let encoded = chain.map { (try? $0.toDERBytes()) ?? [] }
    let bytes = encoded.flatMap { $0 }
    let room = 200
    var (position, names) = (Int32(0), [CChar](repeating: 0, count: 3 * room))
    let verdict = bytes.withUnsafeBufferPointer { bytes in
      names.withUnsafeMutableBufferPointer { names in
        var (pointers, start): ([UnsafePointer<UInt8>?], Int) = ([], 0)
        for certificate in encoded {
          pointers.append(bytes.baseAddress.map { $0 + start })
          start += certificate.count
        }
        let text = names.baseAddress!
        return clibcrypto_verify_client(
          store, pointers, encoded.map { Int64($0.count) }, Int32(encoded.count), Int64(now), &position, text,
          text + room, text + 2 * room, Int32(room))
      }
    }
    func name(_ index: Int) -> String {
      String(decoding: names[(index * room)...].prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        .quotable(limit: 100)
    }
    let subject = position == 0 ? "its certificate '\(name(0))'" : "the authority '\(name(0))' of its certificate"
    switch verdict {
    case clibcrypto_none: return nil
    case clibcrypto_revoked: return .reason("\(subject) was revoked")
    case clibcrypto_no_list:
      return .reason("\(subject) is of '\(name(1))', of which '\(file)' has no list of revoked certificates")
    case clibcrypto_outdated_list:
      return .reason(
        "\(subject) may have been revoked: the list of '\(name(1))' in '\(file)' is not valid now")
    default: return .unverified(name(2))
    }
  }

  /// Why a chain of certificates is not accepted.
  enum ChainObjection: Equatable {
    /// A certificate is revoked, or may be.
    case reason(String)
    /// The chain is not valid, for this reason in the words of libcrypto.
    case unverified(String)
  }

  /// Returns a list that should have been replaced by a time, as a reason not to accept a client whose chain was not verified since.
  func outdated(at now: time_t) -> String? {
    guard let list = lists.first(where: { $0.nextUpdate <= now }) else { return nil }
    return
      "its certificate, or an authority of it, may have been revoked: the list of '\(list.issuer)' in '\(file)' should "
      + "have been replaced by \(NIOSSLCertificate.text(list.nextUpdate))"
  }

  /// Returns why a certificate is not accepted; nil if it is.
  func objection(to certificate: NIOSSLCertificate, at now: time_t) -> String? {
    let name = "its certificate \(certificate.title)"
    guard let bytes = try? certificate.toDERBytes() else { return "\(name) cannot be read" }
    var isListed = false
    var latest: time_t = 0
    for list in lists {
      switch clibcrypto_crl_revokes(list.pointer, bytes, Int64(bytes.count)) {
      case 1: return "\(name) was revoked"
      case 0:
        isListed = true
        latest = max(latest, list.nextUpdate)
      default: break
      }
    }
    guard isListed else {
      return "\(name) is of \(certificate.issuerTitle), of which '\(file)' has no list of revoked certificates"
    }
    return latest > now
      ? nil
      : "\(name) may have been revoked: the list in '\(file)' should have been replaced by \(NIOSSLCertificate.text(latest))"
  }
}

extension RevocationLists.List {
  fileprivate init(_ pointer: OpaquePointer) {
    self.pointer = pointer
    var text = [CChar](repeating: 0, count: 200)
    clibcrypto_crl_issuer(pointer, &text, Int32(text.count))
    issuer = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      .quotable(limit: 100)
    nextUpdate = time_t(clibcrypto_crl_next_update(pointer))
  }
}
