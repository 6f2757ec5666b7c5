// swift-tools-version: 6.2
// The plan of the house: targets stand in floors, and a target imports only targets of lower floors, and only those that it
// names here (scripts/check.sh looks).
// See docs/architecture.md for what lives where and what never does.
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  // A file imports what it uses, and existential types are written as such.
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ExistentialAny"),
]

/// Speed matters more than checks that the tests, which run in debug builds, have made already. A target of these settings reads
/// no bytes or texts from outside.
let kernels: [SwiftSetting] = strict + [.unsafeFlags(["-Ounchecked"], .when(configuration: .release))]

/// The way of every call: accesses that overlap are found by the tests, which run in debug builds.
let transport: [SwiftSetting] =
  strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let sqlite = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let web = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let webCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
  name: "gscoordinator",
  products: [
    .executable(name: "gscoordinator", targets: ["gscoordinator"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
    .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
  ],
  targets: [
    // Floor 0: system libraries and generated C. No logic.
    .target(name: "CNghttp2", linkerSettings: [.linkedLibrary("nghttp2")]),
    .target(name: "CProtobufC", linkerSettings: [.linkedLibrary("protobuf-c")]),
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
    .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
    .target(name: "CLibcrypto", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "CPlatform"),

    // Floor 1: bytes, texts and threads. No knowledge of graphs, sessions or engines.
    .target(name: "CGraphScopeProto", dependencies: ["CProtobufC"]),
    .target(name: "Support", dependencies: ["CPlatform", "CZlib"], swiftSettings: strict),
    .target(name: "JSON", swiftSettings: strict),
    .target(name: "Workers", swiftSettings: kernels),
    .target(name: "Vocabulary", swiftSettings: strict),
    .target(name: "Objects", swiftSettings: strict),
    .target(name: "QueryValues", swiftSettings: strict),
    .target(name: "HTTP2", dependencies: ["CNghttp2"], swiftSettings: transport),
    .target(name: "ProtobufFields", swiftSettings: strict),
    .target(name: "Digests", dependencies: ["CLibcrypto"], swiftSettings: strict),
    .target(name: "HTTPClient", dependencies: ["CCurl"], swiftSettings: strict),

    // Floor 2: what is kept and what is sent.
    .target(name: "Wire", dependencies: ["CGraphScopeProto", "Vocabulary"], swiftSettings: strict),
    .target(name: "Transport", dependencies: ["HTTP2", nio, nioPosix], swiftSettings: transport),
    .target(name: "GraphStore", dependencies: ["CPlatform", "Support", "Workers"], swiftSettings: strict),
    .target(
      name: "StateStore", dependencies: ["CPlatform", "HTTPClient", "JSON", "Objects", "Support", sqlite],
      swiftSettings: strict),
    .target(name: "LogStore", dependencies: ["CPlatform", "CZlib", "Support", log], swiftSettings: strict),
    .target(name: "Scheduling", dependencies: ["Objects"], swiftSettings: strict),
    .target(name: "QueryAlgebra", dependencies: ["QueryValues"], swiftSettings: strict),

    // Floor 3: gRPC and TLS, the common interface layer in front of every engine, child processes, graphs that change.
    .target(
      name: "GRPC", dependencies: ["CZlib", "HTTP2", "ProtobufFields", "Transport", nio, nioPosix, log],
      swiftSettings: transport),
    // BoringSSL is here alone: what needs no TLS is built without it.
    .target(
      name: "TransportSecurity",
      dependencies: ["CLibcrypto", "Digests", "Support", "Transport", nio, nioSSL, nioTLS, log],
      swiftSettings: transport),
    .target(
      name: "Engines", dependencies: ["CPlatform", "GraphStore", "JSON", "Support", "Vocabulary", "Workers"],
      swiftSettings: strict),
    .target(
      name: "Supervision", dependencies: ["CPlatform", "Objects", "StateStore", "Support"], swiftSettings: strict),
    .target(name: "DynamicGraphs", dependencies: ["GraphStore", "JSON", "Workers"], swiftSettings: strict),
    .target(
      name: "QueryExecution", dependencies: ["QueryAlgebra", "QueryValues", "Support", "Workers"],
      swiftSettings: strict),
    .target(name: "Cypher", dependencies: ["QueryAlgebra", "QueryValues"], swiftSettings: strict),

    // The doors of a graph that is served: Bolt and Gremlin. They know neither language and neither kind of graph.
    .target(
      name: "QueryEndpoint",
      dependencies: ["JSON", "QueryAlgebra", "QueryValues", nio, nioPosix, nioHTTP1, nioWebSocket, log],
      swiftSettings: strict),
    .target(name: "Gremlin", dependencies: ["QueryAlgebra", "QueryValues"], swiftSettings: strict),

    // Floor 4: computations, GraphScope's engines, the machines that say what a cluster does, and who may do what.
    .target(name: "AnalyticsKernels", dependencies: ["Engines", "GraphStore", "Workers"], swiftSettings: kernels),
    .target(
      name: "GraphScopeEngines",
      dependencies: [
        "CPlatform", "Digests", "Engines", "GRPC", "GraphStore", "HTTP2", "JSON", "Support", "Transport", "Vocabulary",
        "Wire", "Workers", nio, nioPosix, nioHTTP1, nioWebSocket, yaml,
      ], swiftSettings: strict),
    .target(
      name: "ControlPlane", dependencies: ["Objects", "Scheduling", "StateStore", "Supervision"], swiftSettings: strict),
    .target(
      name: "Access", dependencies: ["CPlatform", "Digests", "Engines", "LogStore", "Support", log],
      swiftSettings: strict),

    // Floor 5: the engines inside this process; sessions, steps and objects, which the front doors share.
    .target(
      name: "EmbeddedAnalytics",
      dependencies: [
        "AnalyticsKernels", "CPlatform", "DynamicGraphs", "Engines", "GraphStore", "JSON", "Support", "Vocabulary",
        "Wire", "Workers",
      ], swiftSettings: strict),
    .target(
      name: "EmbeddedQuery",
      dependencies: [
        "Cypher", "Engines", "GraphStore", "Gremlin", "QueryAlgebra", "QueryExecution", "QueryValues", "Support",
        "Workers",
      ],
      swiftSettings: strict),
    .target(
      name: "EmbeddedLearning",
      dependencies: [
        "Engines", "GRPC", "GraphStore", "JSON", "ProtobufFields", "Transport", "Workers", nio, log,
      ],
      swiftSettings: strict),
    .target(
      name: "Coordinator",
      dependencies: [
        "Access", "CPlatform", "ControlPlane", "Engines", "GraphStore", "JSON", "LogStore", "Objects", "Scheduling",
        "StateStore", "Supervision", "Support", "Vocabulary", "Wire", "Workers", log,
      ], swiftSettings: strict),

    // What HTTP front doors share.
    .target(
      name: "HTTPServing",
      dependencies: [
        "Access", "JSON", "Support", "Transport", nio, nioPosix, nioHTTP1, log, web, webCore, httpTypes,
      ], swiftSettings: strict),

    // Floor 6: the front doors. They decode, call the coordinator and encode; they decide nothing.
    .target(
      name: "ClientEndpoint",
      dependencies: [
        "Access", "Coordinator", "Engines", "GRPC", "GraphStore", "JSON", "Objects", "StateStore", "Transport",
        "Vocabulary", "Wire", nio, log,
      ], swiftSettings: strict),
    .target(
      name: "AdminEndpoint",
      dependencies: [
        "Access", "Coordinator", "HTTPServing", "JSON", "LogStore", "Objects", "Scheduling", "StateStore", "Support",
        "Wire", nio, nioPosix, log, web, httpTypes,
      ], swiftSettings: strict),

    .target(
      name: "ServerConfiguration",
      dependencies: [
        "Access", "CPlatform", "Coordinator", "Engines", "GRPC", "GraphScopeEngines", "HTTPClient", "LogStore",
        "Scheduling",
        "StateStore", "Support", "Transport", "TransportSecurity", log, arguments, yaml,
      ], swiftSettings: strict),

    // Floor 7: the commands beside the server.
    .target(
      name: "GraphServer",
      dependencies: [
        "EmbeddedQuery", "Engines", "GraphStore", "QueryEndpoint", "Support", "Workers", arguments, log, nio, nioPosix,
      ], swiftSettings: strict),
    .target(
      name: "OperatorCLI",
      dependencies: [
        "Access", "AdminEndpoint", "CPlatform", "Coordinator", "Engines", "GraphScopeEngines", "HTTPClient",
        "HTTPServing", "JSON", "LogStore", "Objects", "Scheduling", "ServerConfiguration", "StateStore", "Support",
        "Wire", arguments, yaml,
      ], swiftSettings: strict),

    // Floor 8: arguments, wiring, signals.
    .executableTarget(
      name: "gscoordinator",
      dependencies: [
        "Access", "AdminEndpoint", "CPlatform", "ClientEndpoint", "Coordinator", "EmbeddedAnalytics",
        "EmbeddedLearning", "EmbeddedQuery", "Engines", "GRPC", "GraphScopeEngines", "GraphServer", "HTTP2",
        "HTTPServing", "LogStore",
        "OperatorCLI", "Scheduling", "ServerConfiguration", "StateStore", "Supervision", "Support",
        "Transport", "TransportSecurity", "Wire", "Workers", nio, log, arguments, lifecycle,
      ], swiftSettings: strict),

    // Test-only: servers and client drivers for Tests/ClientTests/test_grpc_interop.py and test_grpc_cases.py.
    .executableTarget(
      name: "grpc-interop",
      dependencies: ["GRPC", "HTTP2", "ProtobufFields", "Transport", nio, nioPosix, arguments],
      path: "Tests/Interop", swiftSettings: strict),

    // Test-only: answers queries of the conformance suites in Tests/Conformance.
    .executableTarget(
      name: "query-driver",
      dependencies: [
        "Cypher", "EmbeddedQuery", "Gremlin", "JSON", "QueryAlgebra", "QueryExecution", "QueryValues",
      ],
      path: "Tests/QueryDriver", swiftSettings: strict),

    // Test-only: keeps children under a supervisor, for tests that kill it.
    .executableTarget(
      name: "supervision-host", dependencies: ["StateStore", "Supervision"], path: "Tests/SupervisionHost",
      swiftSettings: strict),

    // Test-only: plays histories of coordinators again.
    .executableTarget(
      name: "history-replay", dependencies: ["ControlPlane"], path: "Tests/HistoryReplay", swiftSettings: strict),

    .executableTarget(
      name: "KernelBenchmark",
      dependencies: ["AnalyticsKernels", "EmbeddedAnalytics", "Engines", "GraphStore", "Workers"],
      path: "Benchmarks/kernels", swiftSettings: strict),

    // Tables of many shapes, for the benchmark of estimates and for tests.
    .target(
      name: "GeneratedTables", dependencies: ["Engines", "GraphStore"], path: "Benchmarks/tables", swiftSettings: strict
    ),

    .executableTarget(
      name: "EstimateBenchmark",
      dependencies: ["ClientOperations", "EmbeddedAnalytics", "Engines", "GeneratedTables", "GraphStore", "Workers"],
      path: "Benchmarks/estimate", swiftSettings: strict),

    .executableTarget(
      name: "StoreBenchmark", dependencies: ["StateStore"], path: "Benchmarks/store", swiftSettings: strict),

    .executableTarget(
      name: "SchedulerBenchmark", dependencies: ["Objects", "Scheduling"], path: "Benchmarks/scheduler",
      swiftSettings: strict),

    // Test-only: free ports, temporary directories, transition tables as text.
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),

    // Test-only: mutations of valid inputs, for the suites named Fuzz… and scripts/fuzz.sh.
    .target(name: "Fuzzing", dependencies: ["TestSupport"], path: "Tests/Fuzzing", swiftSettings: strict),

    // Test-only: operations as the client writes them.
    .target(
      name: "ClientOperations", dependencies: ["Engines", "GraphStore", "JSON", "Vocabulary", "Wire"],
      path: "Tests/ClientOperations", swiftSettings: strict),

    // Test-only: lets few tests run at a time, those of all test targets together.
    .target(name: "Turns", path: "Tests/Turns", swiftSettings: strict),

    .testTarget(
      name: "WireTests", dependencies: ["CGraphScopeProto", "Fuzzing", "TestSupport", "Turns", "Vocabulary", "Wire"],
      swiftSettings: strict),
    .testTarget(name: "ProtobufFieldsTests", dependencies: ["ProtobufFields"], swiftSettings: strict),
    .testTarget(name: "HTTP2Tests", dependencies: ["Fuzzing", "HTTP2", "TestSupport", "Turns"], swiftSettings: strict),
    .testTarget(
      name: "TransportTests", dependencies: ["HTTP2", "Transport", "Turns", nio, nioPosix, nioEmbedded],
      swiftSettings: strict),
    .testTarget(
      name: "TransportSecurityTests",
      dependencies: ["GRPC", "Transport", "TransportSecurity", "Turns", nio, nioPosix, nioSSL, log],
      swiftSettings: strict),
    .testTarget(
      name: "QueryExecutionTests",
      dependencies: ["Gremlin", "QueryAlgebra", "QueryExecution", "QueryValues", "Workers"],
      swiftSettings: strict),
    .testTarget(name: "CypherTests", dependencies: ["Cypher", "QueryAlgebra", "QueryValues"], swiftSettings: strict),
    .testTarget(name: "DigestsTests", dependencies: ["Digests"], swiftSettings: strict),
    .testTarget(name: "HTTPClientTests", dependencies: ["HTTPClient", "Turns"], swiftSettings: strict),
    .testTarget(
      name: "GraphStoreTests", dependencies: ["Fuzzing", "GraphStore", "TestSupport", "Turns", "Workers"],
      swiftSettings: strict),
    .testTarget(
      name: "GRPCTests",
      dependencies: [
        "CZlib", "Fuzzing", "GRPC", "HTTP2", "ProtobufFields", "TestSupport", "Transport", "Turns", "Wire", nio,
        nioPosix, log,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "EnginesTests", dependencies: ["ClientOperations", "Engines", "Vocabulary"], swiftSettings: strict),
    .testTarget(
      name: "DynamicGraphsTests", dependencies: ["DynamicGraphs", "GraphStore", "JSON", "TestSupport", "Workers"],
      swiftSettings: strict),
    .testTarget(
      name: "EmbeddedAnalyticsTests",
      dependencies: [
        "AnalyticsKernels", "ClientOperations", "EmbeddedAnalytics", "Engines", "GeneratedTables", "GraphStore",
        "TestSupport", "Turns", "Vocabulary", "Wire", "Workers",
      ], swiftSettings: strict),
    .testTarget(
      name: "EmbeddedLearningTests",
      dependencies: [
        "EmbeddedLearning", "Engines", "GraphStore", "JSON", "ProtobufFields", "Turns", "Workers",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "GraphScopeEnginesTests",
      dependencies: [
        "Engines", "GraphScopeEngines", "GraphStore", "JSON", "Support", "Turns", "Vocabulary", "Wire", "Workers", nio,
        nioPosix,
      ], swiftSettings: strict),
    .testTarget(
      name: "SupportTests", dependencies: ["Fuzzing", "StateStore", "Support", "TestSupport", "Turns", "Wire"],
      swiftSettings: strict),
    .testTarget(name: "GremlinTests", dependencies: ["Gremlin", "QueryAlgebra", "QueryValues"], swiftSettings: strict),
    .testTarget(name: "JSONTests", dependencies: ["Fuzzing", "JSON"], swiftSettings: strict),
    .testTarget(name: "QueryValuesTests", dependencies: ["QueryValues"], swiftSettings: strict),
    .testTarget(
      name: "QueryEndpointTests",
      dependencies: [
        "Fuzzing", "JSON", "QueryAlgebra", "QueryEndpoint", "QueryValues", "Turns", nio, nioPosix, nioHTTP1, log,
      ],
      swiftSettings: strict),
    .testTarget(name: "WorkersTests", dependencies: ["Turns", "Workers"], swiftSettings: strict),
    .testTarget(
      name: "SchedulingTests", dependencies: ["Objects", "Scheduling", "TestSupport", "Turns"], swiftSettings: strict),
    .testTarget(
      name: "SupervisionTests",
      dependencies: [
        "CPlatform", "StateStore", "Supervision", "Support", "TestSupport", "Turns", "supervision-host",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "StateStoreTests",
      dependencies: ["HTTPClient", "Objects", "StateStore", "Support", "TestSupport", "Turns", sqlite],
      swiftSettings: strict),
    .testTarget(
      name: "ControlPlaneTests",
      dependencies: ["ControlPlane", "Objects", "Scheduling", "StateStore", "Supervision", "TestSupport", "Turns"],
      swiftSettings: strict),
    .testTarget(
      name: "LogStoreTests",
      dependencies: ["Coordinator", "Engines", "LogStore", "Support", "TestSupport", "Turns", log],
      swiftSettings: strict
    ),
    .testTarget(name: "AccessTests", dependencies: ["Access", "LogStore", "Turns", log], swiftSettings: strict),
    .testTarget(
      name: "CoordinatorTests",
      dependencies: [
        "Access", "CPlatform", "ClientOperations", "ControlPlane", "Coordinator", "Engines", "GraphStore", "JSON",
        "LogStore", "Objects", "Scheduling", "StateStore", "Supervision", "Support", "TestSupport", "Turns", "Wire",
        "Vocabulary", "Workers", log,
      ], swiftSettings: strict),
    .testTarget(
      name: "ClientEndpointTests",
      dependencies: [
        "Access", "ClientEndpoint", "Coordinator", "Engines", "GRPC", "GraphStore", "LogStore", "Transport",
        "Vocabulary", "Wire",
      ], swiftSettings: strict),
    .testTarget(
      name: "AdminEndpointTests",
      dependencies: [
        "Access", "AdminEndpoint", "Coordinator", "Fuzzing", "HTTPClient", "HTTPServing", "JSON", "LogStore", "Objects",
        "StateStore", "TestSupport", "Turns", "Wire", log, nio,
      ], swiftSettings: strict),
    .testTarget(
      name: "ServerConfigurationTests",
      dependencies: [
        "Access", "Coordinator", "Engines", "Fuzzing", "Objects", "Scheduling", "ServerConfiguration", "Transport",
        "Turns",
        arguments, yaml,
      ], swiftSettings: strict),
    .testTarget(
      name: "OperatorCLITests",
      dependencies: [
        "Access", "AdminEndpoint", "Coordinator", "HTTPServing", "JSON", "LogStore", "Objects", "OperatorCLI",
        "ServerConfiguration", "StateStore", "Support", "TestSupport", "Turns", "Wire", log, arguments, yaml,
      ], swiftSettings: strict),
    .testTarget(
      name: "gscoordinatorTests",
      dependencies: [
        "Access", "ClientOperations", "Coordinator", "EmbeddedLearning", "EmbeddedQuery", "Engines", "GRPC",
        "GraphStore",
        "LogStore", "ServerConfiguration", "Transport", "Turns", "Wire", "Workers", "gscoordinator", log, arguments,
      ], swiftSettings: strict),
  ]
)
