import Digests
import NIOSSL
import Transport

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension NIOSSLCertificate {
  /// The common name for people: quoted, printable and short, whoever wrote it.
  var title: String { Self.title(of: subjectName) }

  /// The common name of the issuer, in the same way.
  var issuerTitle: String { Self.title(of: issuerName) }

  private static func title(of names: [SSLCertificateName]) -> String {
    let name = (names.last { $0.type == .commonName } ?? names.last)?.value ?? ""
    return "'" + name.unicodeScalars.prefix(100).map { isPrintable($0) ? String($0) : "?" }.joined() + "'"
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }

  /// Why it is not valid at a time, in words that follow its name; nil if it is.
  func invalidity(at now: time_t) -> String? {
    if notValidAfter < now { return "expired on \(Self.text(notValidAfter))" }
    if notValidBefore > now { return "is not valid before \(Self.text(notValidBefore))" }
    return nil
  }

  /// The last second of its validity.
  var expiry: String { Self.text(notValidAfter) }

  private static func text(_ time: time_t) -> String {
    var (time, parts) = (time, tm())
    gmtime_r(&time, &parts)
    func digits(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(Int(parts.tm_year) + 1900)-\(digits(parts.tm_mon + 1))-\(digits(parts.tm_mday)) "
      + "\(digits(parts.tm_hour)):\(digits(parts.tm_min)):\(digits(parts.tm_sec)) UTC"
  }
}

extension PeerCertificate {
  /// What a verified certificate says. Names that are not UTF-8 or hold a NUL are left out: what is decided by a name must
  /// not be decided by a part of it.
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
