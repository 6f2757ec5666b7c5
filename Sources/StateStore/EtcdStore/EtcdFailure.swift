import Foundation
import HTTPClient

/// Why a request to one member of etcd failed, distinguished by what to do next.
enum EtcdFailure: Error, Sendable, Equatable {
  /// The member did not respond or could not decide: retry, preferably with another member. The request may have taken effect.
  case retry(String)
  /// The token is no longer valid: fetch a new one.
  case tokenInvalid(String)
  /// etcd rejected the request; a retry would not help.
  case refused(Refusal, String)

  enum Refusal: Sendable, Equatable {
    case compacted, futureRevision, leaseNotFound, leaseExists, tooLarge, full, denied, other
  }

  /// Classifies an error response. etcd's messages are more precise than its codes (api/v3rpc/rpctypes/error.go).
  init(grpcCode: Int?, message: String) {
    let text = String(message.prefix(500))
    let has: (String) -> Bool = { text.contains($0) }
    if has("required revision has been compacted") {
      self = .refused(.compacted, text)
    } else if has("required revision is a future revision") {
      self = .refused(.futureRevision, text)
    } else if has("requested lease not found") {
      self = .refused(.leaseNotFound, text)
    } else if has("lease already exists") {
      self = .refused(.leaseExists, text)
    } else if has("database space exceeded") {
      self = .refused(.full, text)
    } else if has("invalid auth token") || has("revision of auth store is old") || grpcCode == 16 {
      self = .tokenInvalid(text)
    } else if has("request is too large") || has("larger than max") {
      self = .refused(.tooLarge, text)
    } else if has("permission denied") || has("user name is empty") || has("authentication failed")
      || has("authentication is not enabled") || grpcCode == 7
    {
      self = .refused(.denied, text)
    } else if [3, 5, 6, 9, 11, 12].contains(grpcCode ?? 0) {
      // Invalid argument, not found, already exists, failed precondition, out of range, unimplemented.
      self = .refused(.other, text)
    } else {
      self = .retry(text)
    }
  }

  /// Classifies a response with a status other than 200.
  init(status: Int, body: [UInt8]) {
    if let answer = try? JSONDecoder().decode(EtcdErrorBody.self, from: Data(body)),
      let message = answer.message ?? answer.error
    {
      self.init(grpcCode: answer.code, message: message)
    } else if status == 404 {
      self = .refused(.other, "the server has no JSON gateway of version 3. Use etcd 3.4 or newer")
    } else {
      self = .retry("HTTP status \(status)")
    }
  }

  /// Classifies a failed exchange.
  init(_ error: HTTPClientError) {
    switch error.code {
    case .tooLarge: self = .refused(.tooLarge, error.description)
    case .invalidRequest: self = .refused(.other, error.description)
    case .resolve, .connect, .tls, .timeout, .transfer, .busy, .closed: self = .retry(error.description)
    }
  }
}

extension StateStoreError {
  /// Translates a rejection by etcd to an error of the store.
  init(etcd refusal: EtcdFailure.Refusal, _ text: String) {
    switch refusal {
    case .compacted:
      self.init(
        .compacted, "etcd has compacted this part of the history (\(text)). List the state and continue from there.")
    case .futureRevision:
      self.init(.invalidArgument, "etcd has not reached that revision (\(text)). Was it restored from a backup?")
    case .leaseNotFound: self.init(.leaseExpired, "The lease has expired (\(text)). Grant a new one.")
    case .full:
      self.init(
        .full,
        "etcd is full (\(text)). Free space with: etcdctl compact <revision>, etcdctl defrag, etcdctl alarm disarm. "
          + "Or raise etcd's --quota-backend-bytes.")
    case .tooLarge:
      self.init(.invalidArgument, "The request is too large for etcd (\(text)). Store less in one transaction.")
    case .denied:
      self.init(
        .permissionDenied,
        "etcd denied access (\(text)). Check the user, its password and its role for the prefix, and 'etcdctl auth status'."
      )
    case .leaseExists, .other: self.init(.invalidArgument, "etcd rejected the request: \(text)")
    }
  }
}
