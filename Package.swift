// swift-tools-version: 6.2
// The plan of the house: targets stand in floors, and a target imports only targets of lower floors.
// See docs/architecture.md for what lives where and what never does.
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
]

/// Speed matters more than checks that the tests, which run in debug builds, have made already.
let kernels: [SwiftSetting] = strict + [.unsafeFlags(["-Ounchecked"], .when(configuration: .release))]

/// The way of every call: accesses that overlap are found by the tests, which run in debug builds.
let transport: [SwiftSetting] =
  strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let sqlite = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let web = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
  name: "gscoordinator",
  products: [
    .executable(name: "gscoordinator", targets: ["gscoordinator"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
  ],
  targets: [
    // Floor 0: system libraries and generated C. No logic.
    .target(name: "CNghttp2", linkerSettings: [.linkedLibrary("nghttp2")]),
    .target(name: "CProtobufC", linkerSettings: [.linkedLibrary("protobuf-c")]),
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
    .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
    .target(name: "CPlatform"),
    .target(name: "CGraphScopeProto", dependencies: ["CProtobufC"]),

    // Floor 1: bytes and files. No knowledge of sessions or engines.
    .target(name: "Wire", dependencies: ["CGraphScopeProto"], swiftSettings: strict),
    .target(name: "HTTP2", dependencies: ["CNghttp2"], swiftSettings: transport),
    .target(name: "Transport", dependencies: ["HTTP2", nio, nioPosix], swiftSettings: transport),
    // BoringSSL is here alone: what needs no TLS is built without it.
    .target(
      name: "TransportSecurity", dependencies: ["Digests", "Transport", nio, nioSSL, nioTLS, log],
      swiftSettings: transport),
    .target(name: "Digests", dependencies: [crypto], swiftSettings: strict),
    .target(name: "HTTPClient", dependencies: ["CCurl"], swiftSettings: strict),
    .target(name: "GraphStore", dependencies: ["CPlatform"], swiftSettings: kernels),

    // Floor 2: gRPC, and the common interface layer in front of every engine.
    .target(name: "GRPC", dependencies: ["HTTP2", "Transport", nio, log], swiftSettings: transport),
    .target(name: "Engines", dependencies: ["GraphStore", "Wire", nio], swiftSettings: strict),

    // Floor 3: the engines, and the cluster they run on.
    .target(
      name: "EmbeddedAnalytics", dependencies: ["CPlatform", "Engines", "GraphStore", "Wire"], swiftSettings: kernels),
    .target(name: "EmbeddedQuery", dependencies: ["Engines"], swiftSettings: strict),
    .target(name: "EmbeddedLearning", dependencies: ["Engines"], swiftSettings: strict),
    .target(
      name: "GraphScopeEngines",
      dependencies: [
        "CPlatform", "CZlib", "Digests", "Engines", "GRPC", "GraphStore", "Transport", "Wire", nio, nioHTTP1, nioPosix,
        nioWebSocket, yaml,
      ],
      swiftSettings: strict),
    .target(name: "Cluster", dependencies: ["CPlatform", "HTTPClient", "Wire", sqlite], swiftSettings: strict),

    // Floor 4: sessions, steps, objects, logs: what the two front doors share.
    .target(
      name: "Coordinator", dependencies: ["CPlatform", "CZlib", "Digests", "Engines", "Cluster", log],
      swiftSettings: strict),

    // Floor 5: the front doors. They decode, call the coordinator and encode; they decide nothing.
    .target(
      name: "ClientEndpoint", dependencies: ["Coordinator", "Engines", "GraphStore", "GRPC", "Wire", nio],
      swiftSettings: strict),
    .target(
      name: "AdminEndpoint",
      dependencies: ["Cluster", "Coordinator", "GraphStore", "Transport", "Wire", web, nio, nioPosix, log],
      swiftSettings: strict),

    // Floor 6: arguments, configuration, wiring, signals.
    .executableTarget(
      name: "gscoordinator",
      dependencies: [
        "AdminEndpoint", "ClientEndpoint", "Cluster", "Coordinator", "Engines", "EmbeddedAnalytics", "EmbeddedQuery",
        "EmbeddedLearning",
        "GraphScopeEngines", "GraphStore", "GRPC", "HTTPClient", "Transport", "TransportSecurity", "Wire", "CPlatform",
        arguments, yaml, log,
      ],
      swiftSettings: strict),

    // Test-only: an echo server and a client driver for Tests/ClientTests/test_grpc_interop.py.
    .executableTarget(
      name: "grpc-interop", dependencies: ["GRPC", "Transport", nio, nioPosix, arguments], path: "Tests/Interop",
      swiftSettings: strict),

    // Test-only: keeps children under a supervisor, for tests that kill it.
    .executableTarget(
      name: "supervision-host", dependencies: ["Cluster"], path: "Tests/SupervisionHost",
      swiftSettings: strict),

    .executableTarget(
      name: "KernelBenchmark", dependencies: ["EmbeddedAnalytics", "Engines", "GraphStore"],
      path: "Benchmarks/kernels", swiftSettings: strict),

    // Tables of many shapes, for the benchmark of estimates and for tests.
    .target(
      name: "GeneratedTables", dependencies: ["Engines", "GraphStore"], path: "Benchmarks/tables",
      swiftSettings: strict),

    .executableTarget(
      name: "EstimateBenchmark", dependencies: ["EmbeddedAnalytics", "Engines", "GeneratedTables", "GraphStore"],
      path: "Benchmarks/estimate", swiftSettings: strict),

    .executableTarget(
      name: "StoreBenchmark", dependencies: ["Cluster"], path: "Benchmarks/store", swiftSettings: strict),

    .executableTarget(
      name: "SchedulerBenchmark", dependencies: ["Cluster"], path: "Benchmarks/scheduler", swiftSettings: strict),

    // Test-only: lets few tests run at a time, those of all test targets together.
    .target(name: "Turns", path: "Tests/Turns", swiftSettings: strict),

    .testTarget(name: "WireTests", dependencies: ["Wire", "Turns"], swiftSettings: strict),
    .testTarget(name: "HTTP2Tests", dependencies: ["HTTP2", "Turns"], swiftSettings: strict),
    .testTarget(name: "TransportTests", dependencies: ["Transport", "Turns"], swiftSettings: strict),
    .testTarget(
      name: "TransportSecurityTests",
      dependencies: ["GRPC", "Transport", "TransportSecurity", "Turns", nio, nioPosix, nioSSL, log],
      swiftSettings: strict),
    .testTarget(name: "DigestsTests", dependencies: ["Digests"], swiftSettings: strict),
    .testTarget(name: "HTTPClientTests", dependencies: ["HTTPClient", "Turns"], swiftSettings: strict),
    .testTarget(name: "GraphStoreTests", dependencies: ["GraphStore", "Turns"], swiftSettings: strict),
    .testTarget(name: "GRPCTests", dependencies: ["GRPC", "Turns"], swiftSettings: strict),
    .testTarget(name: "EnginesTests", dependencies: ["Engines"], swiftSettings: strict),
    .testTarget(
      name: "EmbeddedAnalyticsTests", dependencies: ["EmbeddedAnalytics", "GeneratedTables", "GraphStore", "Turns"],
      swiftSettings: strict),
    .testTarget(
      name: "GraphScopeEnginesTests",
      dependencies: ["GraphScopeEngines", "Engines", "GraphStore", "Wire", "Turns", nio, nioPosix],
      swiftSettings: strict),
    .testTarget(
      name: "ClusterTests", dependencies: ["Cluster", "HTTPClient", "supervision-host", "Turns"], swiftSettings: strict),
    .testTarget(
      name: "CoordinatorTests", dependencies: ["Cluster", "Coordinator", "Engines", "GraphStore", "Turns"],
      swiftSettings: strict
    ),
    .testTarget(
      name: "ClientEndpointTests", dependencies: ["ClientEndpoint", "Coordinator", "Engines", "GraphStore", "Wire"],
      swiftSettings: strict),
    .testTarget(
      name: "AdminEndpointTests", dependencies: ["AdminEndpoint", "Cluster", "Coordinator", "HTTPClient", "Turns"],
      swiftSettings: strict),
    .testTarget(name: "gscoordinatorTests", dependencies: ["gscoordinator", "Turns"], swiftSettings: strict),
  ]
)
