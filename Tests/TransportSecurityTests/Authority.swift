import Foundation
import NIOCore
import TransportSecurity

/// A directory with an authority and the certificates that it has issued, made with openssl; removed in deinit.
final class Authority: Sendable {
  let folder: URL

  static let hasOpenSSL = FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")

  init(_ name: String = "authority") throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "authority-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try openssl("req -x509 \(Self.newKey) -keyout ca.key -out ca.pem -days 30 -subj", "/CN=\(name)")
  }

  /// Creates an authority whose certificate is issued by another one; `ca.pem` has only its own certificate.
  init(_ name: String, under parent: Authority, isAuthority: Bool = true) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "authority-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try parent.issue(
      name, extensions: "basicConstraints=critical,CA:\(isAuthority)\nkeyUsage=keyCertSign,cRLSign,digitalSignature")
    for (from, to) in [("\(name).pem", "ca.pem"), ("\(name).key", "ca.key")] {
      try FileManager.default.copyItem(atPath: parent.path(from), toPath: path(to))
    }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private static let newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

  /// Returns the path of a file.
  func path(_ file: String) -> String { folder.appending(path: file).path }

  /// The authority's own certificate.
  var certificate: String { path("ca.pem") }

  /// Issues a certificate: `name.pem` and `name.key`.
  func issue(
    _ name: String, names: String = "DNS:localhost,IP:127.0.0.1", days: Int = 30, commonName: String? = nil,
    extensions: String? = nil
  ) throws {
    try openssl("req \(Self.newKey) -keyout \(name).key -out \(name).csr -utf8 -subj", "/CN=\(commonName ?? name)")
    try Data((extensions ?? "subjectAltName=\(names)").utf8).write(to: folder.appending(path: "\(name).ext"))
    try openssl(
      "x509 -req -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile \(name).ext -days \(days) -out \(name).pem"
    )
  }

  /// Writes the list of revoked certificates, `crl.pem`, and returns its path.
  @discardableResult
  func list(revoking names: String..., seconds: Int = 86_400) throws -> String {
    let settings = "[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\ndefault_md=sha256\n"
    try Data(settings.utf8).write(to: folder.appending(path: "ca.cnf"))
    if !FileManager.default.fileExists(atPath: path("index.txt")) {
      try Data().write(to: folder.appending(path: "index.txt"))
    }
    let ca = "ca -config ca.cnf -keyfile ca.key -cert ca.pem"
    for name in names { try openssl("\(ca) -revoke \(name).pem") }
    try openssl("\(ca) -gencrl -crlsec \(seconds) -out crl.pem")
    return path("crl.pem")
  }

  /// Writes a file of the contents of others, and returns its path.
  func join(_ paths: String..., as name: String) throws -> String {
    let contents = try paths.map { try String(contentsOfFile: $0, encoding: .utf8) }
    try Data(contents.joined().utf8).write(to: folder.appending(path: name), options: .atomic)
    return path(name)
  }

  /// Returns the SHA-256 digest of a certificate, computed by openssl.
  func fingerprint(_ name: String) throws -> String {
    let output = try openssl("x509 -in \(name).pem -noout -fingerprint -sha256")
    return output.split(separator: "=").last.map { $0.filter(\.isHexDigit).lowercased() } ?? ""
  }

  func server(_ name: String, asking clients: Authority? = nil) -> ServerTLSConfiguration {
    var configuration = ServerTLSConfiguration(certificateFile: path("\(name).pem"), keyFile: path("\(name).key"))
    configuration.clientAuthorityFile = clients?.certificate
    return configuration
  }

  /// Returns a client that trusts this authority.
  func client(_ name: String? = nil, of issuer: Authority? = nil) throws -> ClientTLS {
    var configuration = ClientTLSConfiguration()
    configuration.authorityFile = certificate
    configuration.certificateFile = name.map { (issuer ?? self).path("\($0).pem") }
    configuration.keyFile = name.map { (issuer ?? self).path("\($0).key") }
    return try ClientTLS(configuration)
  }

  /// Replaces a server's certificate and key by others, each atomically.
  func replace(_ name: String, by other: String, ofIssuer issuer: Authority? = nil) throws {
    for suffix in ["pem", "key"] {
      let copy = path("\(name).\(suffix).new")
      try FileManager.default.copyItem(atPath: (issuer ?? self).path("\(other).\(suffix)"), toPath: copy)
      guard rename(copy, path("\(name).\(suffix)")) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
  }

  @discardableResult
  private func openssl(_ arguments: String, _ last: String...) throws -> String {
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments = arguments.split(separator: " ").map(String.init) + last
    process.currentDirectoryURL = folder
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    return text
  }
}
