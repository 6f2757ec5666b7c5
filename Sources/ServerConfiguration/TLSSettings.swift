import TransportSecurity

extension ServerTLSConfiguration {
  /// Reads the TLS configuration; nil when TLS is not configured.
  /// - Throws: `ConfigurationError` when a part is missing or a value is not one of the valid words.
  public init?(_ settings: Settings) throws {
    guard let certificateFile = settings.optionalText(.tlsCertificateFile) else {
      for setting in [Setting.tlsKeyFile, .tlsClientAuthorityFile, .tlsClientRevocationFile]
      where settings.optionalText(setting) != nil {
        throw ConfigurationError(
          "\(setting.rawValue) is set (\(settings.origin(setting))), but TLS needs \(Setting.tlsCertificateFile.rawValue)"
        )
      }
      return nil
    }
    guard let keyFile = settings.optionalText(.tlsKeyFile) else {
      throw ConfigurationError(
        "\(Setting.tlsCertificateFile.rawValue) is set (\(settings.origin(.tlsCertificateFile))), but TLS also needs the key "
          + "of the certificate. Set \(Setting.tlsKeyFile.rawValue)")
    }
    self.init(certificateFile: certificateFile, keyFile: keyFile)
    clientAuthorityFile = settings.optionalText(.tlsClientAuthorityFile)
    clientRevocationFile = settings.optionalText(.tlsClientRevocationFile)
    if clientRevocationFile != nil && clientAuthorityFile == nil {
      throw ConfigurationError(
        "\(Setting.tlsClientRevocationFile.rawValue) is set (\(settings.origin(.tlsClientRevocationFile))), but clients are asked "
          + "for certificates only with \(Setting.tlsClientAuthorityFile.rawValue)")
    }
    clientCertificates = try settings.choice(.tlsClientCertificates)
    minimumVersion = try settings.choice(.tlsMinimumVersion)
  }
}
