import Digests
import NIOSSL
import Support
import Transport

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension NIOSSLCertificate {
  /// The common name for messages: quoted, printable and short, whatever the certificate contains.
  var title: String { Self.title(of: subjectName) }

  /// The common name of the issuer, in the same form.
  var issuerTitle: String { Self.title(of: issuerName) }

  private static func title(of names: [SSLCertificateName]) -> String {
    let name = (names.last { $0.type == .commonName } ?? names.last)?.value ?? ""
    return "'\(name.quotable(limit: 100))'"
  }

  /// Returns why the certificate is not valid at a time, phrased to follow its name; nil if it is valid.
  func invalidity(at now: time_t) -> String? {
    if notValidAfter < now { return "expired on \(Self.text(notValidAfter))" }
    if notValidBefore > now { return "is not valid before \(Self.text(notValidBefore))" }
    return nil
  }

  /// The end of the validity period.
  var expiry: String { Self.text(notValidAfter) }

  /// A time in UTC, as text.
  static func text(_ time: time_t) -> String {
    var (time, parts) = (time, tm())
    gmtime_r(&time, &parts)
    func digits(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(Int(parts.tm_year) + 1900)-\(digits(parts.tm_mon + 1))-\(digits(parts.tm_mday)) "
      + "\(digits(parts.tm_hour)):\(digits(parts.tm_min)):\(digits(parts.tm_sec)) UTC"
  }
}

extension PeerCertificate {
  /// Creates the description of a verified certificate. Names that are not UTF-8 or contain a NUL are omitted, so that access is
  /// never granted based on a part of a name.
  init(_ certificate: NIOSSLCertificate) throws {
    var names: [_SubjectAlternativeName.NameType: [String]] = [:]
    for name in certificate._subjectAlternativeNames() {
      let text = name.contents.withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
      if let text, !text.utf8.contains(0) { names[name.nameType, default: []].append(text) }
    }
    self.init(
      commonName: certificate.subjectName.last { $0.type == .commonName && !$0.value.utf8.contains(0) }?.value,
      dnsNames: names[.dnsName] ?? [], uris: names[.uri] ?? [], emails: names[.email] ?? [],
      fingerprint: sha256(try certificate.toDERBytes()).hexadecimal)
  }
}
