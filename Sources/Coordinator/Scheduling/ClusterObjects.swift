import Cluster

extension Coordinator {
  func publishCluster() async {}
  /// x
  public var metricsText: String { metrics.text }
}
