import TransportSecurity

extension ServerTLSConfiguration {
  /// TLS as configured; nil: there is none.
  /// - Throws: `ConfigurationError` when a part is missing or is not one of the words that it must be.
  init?(_ settings: Settings) throws {
    guard let certificateFile = settings.optionalText(.tlsCertificateFile) else {
      for setting in [Setting.tlsKeyFile, .tlsClientAuthorityFile] where settings.optionalText(setting) != nil {
        throw ConfigurationError(
          "\(setting.rawValue) is set (\(settings.origin(setting))), but TLS needs \(Setting.tlsCertificateFile.rawValue)"
        )
      }
      return nil
    }
    guard let keyFile = settings.optionalText(.tlsKeyFile) else {
      throw ConfigurationError(
        "\(Setting.tlsCertificateFile.rawValue) is set (\(settings.origin(.tlsCertificateFile))), but TLS needs the key of "
          + "the certificate too: \(Setting.tlsKeyFile.rawValue)")
    }
    self.init(certificateFile: certificateFile, keyFile: keyFile)
    clientAuthorityFile = settings.optionalText(.tlsClientAuthorityFile)
    clientCertificates = try settings.word(.tlsClientCertificates)
    minimumVersion = try settings.word(.tlsMinimumVersion)
  }
}

extension Settings {
  /// The value as one of the words of a type.
  fileprivate func word<Word: RawRepresentable & CaseIterable>(
    _ setting: Setting
  ) throws -> Word where Word.RawValue == String {
    guard let word = Word(rawValue: text(setting)) else {
      throw ConfigurationError(
        "\(setting.rawValue) is '\(text(setting))' (\(origin(setting))), but must be "
          + Word.allCases.map(\.rawValue).joined(separator: " or "))
    }
    return word
  }
}
