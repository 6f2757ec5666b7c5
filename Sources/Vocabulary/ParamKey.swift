/// The key of an attribute (`gs.rpc.ParamKey`).
///
/// The set is open: keys unknown to this version are kept by number, and in the two maps inside
/// ``ParamKey/arrowPropertyDefinition`` the keys are label numbers.
public struct ParamKey: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number on the wire.
  public let rawValue: Int32

  /// Creates the key with a number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// The name in the protocol, or the number of a key without one.
  public var description: String { Self.names[rawValue] ?? String(rawValue) }
}

extension ParamKey {
  /// Key of the graph to work on.
  public static let graphName = ParamKey(rawValue: 0)
  /// Key of the graph to make.
  public static let dstGraphName = ParamKey(rawValue: 1)
  /// Key of a context.
  public static let contextKey = ParamKey(rawValue: 2)
  /// A ``GraphType``, as an integer.
  public static let graphType = ParamKey(rawValue: 3)
  /// The ``GraphType`` to transform into.
  public static let dstGraphType = ParamKey(rawValue: 4)
  /// C++ name of the type of original vertex ids: `int64_t`, `std::string`, …
  public static let oidType = ParamKey(rawValue: 5)
  /// C++ name of the type of internal vertex ids.
  public static let vidType = ParamKey(rawValue: 6)
  /// C++ name of the type of vertex data.
  public static let vDataType = ParamKey(rawValue: 7)
  /// C++ name of the type of edge data.
  public static let eDataType = ParamKey(rawValue: 8)
  /// Number of a vertex label.
  public static let vLabelID = ParamKey(rawValue: 9)
  /// Number of an edge label.
  public static let eLabelID = ParamKey(rawValue: 10)
  /// Number of a vertex property.
  public static let vPropID = ParamKey(rawValue: 11)
  /// Number of an edge property.
  public static let ePropID = ParamKey(rawValue: 12)
  /// Parser of text lines.
  public static let lineParser = ParamKey(rawValue: 13)
  /// File of edges.
  public static let eFile = ParamKey(rawValue: 14)
  /// File of vertices.
  public static let vFile = ParamKey(rawValue: 15)
  /// Number of vertex labels.
  public static let vertexLabelNum = ParamKey(rawValue: 16)
  /// Number of edge labels.
  public static let edgeLabelNum = ParamKey(rawValue: 17)
  /// Whether edges are directed.
  public static let directed = ParamKey(rawValue: 18)
  /// Vertex property to project; the text `None` for none.
  public static let vPropKey = ParamKey(rawValue: 19)
  /// Edge property to project; the text `None` for none.
  public static let ePropKey = ParamKey(rawValue: 20)
  /// Value of vertices without data.
  public static let vDefaultVal = ParamKey(rawValue: 21)
  /// Value of edges without data.
  public static let eDefaultVal = ParamKey(rawValue: 22)
  /// C++ class of the graph.
  public static let graphTemplateClass = ParamKey(rawValue: 23)
  /// How to repartition a graph.
  public static let repartitionStrategy = ParamKey(rawValue: 24)
  /// A free-form parameter.
  public static let param = ParamKey(rawValue: 26)
  /// Whether a mutable graph is spread over workers.
  public static let distributed = ParamKey(rawValue: 27)
  /// Path of the schema file on the engine's machine.
  public static let schemaPath = ParamKey(rawValue: 31)
  /// Text of a Gremlin query.
  public static let gieGremlinQueryMessage = ParamKey(rawValue: 35)
  /// Options of a Gremlin request, a JSON object.
  public static let gieGremlinRequestOptions = ParamKey(rawValue: 36)
  /// How to fetch the results of a Gremlin query.
  public static let gieGremlinFetchResultType = ParamKey(rawValue: 37)
  /// Signature of a compiled application.
  public static let appSignature = ParamKey(rawValue: 40)
  /// Signature of a compiled graph type.
  public static let graphSignature = ParamKey(rawValue: 41)
  /// Whether the graph exists in the store already.
  public static let isFromVineyardID = ParamKey(rawValue: 42)
  /// Object id of a graph.
  public static let vineyardID = ParamKey(rawValue: 43)
  /// Name of a graph in the store.
  public static let vineyardName = ParamKey(rawValue: 44)
  /// A ``VertexMapType``, as an integer.
  public static let vertexMapType = ParamKey(rawValue: 45)
  /// Whether edges are stored compressed.
  public static let compactEdges = ParamKey(rawValue: 46)
  /// Whether the vertex map is a perfect hash.
  public static let usePerfectHash = ParamKey(rawValue: 47)
  /// Label whose columns are joined.
  public static let consolidateColumnsLabel = ParamKey(rawValue: 48)
  /// Columns to join, separated by commas.
  public static let consolidateColumnsColumns = ParamKey(rawValue: 49)
  /// Name of the joined column.
  public static let consolidateColumnsResultColumn = ParamKey(rawValue: 50)
  /// Vertex labels to keep: a JSON object from label to properties, null for all.
  public static let vertexCollections = ParamKey(rawValue: 51)
  /// Edge labels to keep: a JSON object from label to properties, null for all.
  public static let edgeCollections = ParamKey(rawValue: 52)
  /// Handle of a learning instance.
  public static let gleHandle = ParamKey(rawValue: 60)
  /// Configuration of a learning instance.
  public static let gleConfig = ParamKey(rawValue: 61)
  /// Splits of the training data.
  public static let gleGenLabels = ParamKey(rawValue: 62)
  /// Whether the graph comes from a GraphAr archive.
  public static let isFromGar = ParamKey(rawValue: 70)
  /// Description of a GraphAr archive, a path or URL.
  public static let graphInfoPath = ParamKey(rawValue: 71)
  /// What new tables are: 0 new labels, 1 more data of a vertex label, 2 of an edge label.
  public static let extendLabelData = ParamKey(rawValue: 80)
  /// Name of an application.
  public static let appName = ParamKey(rawValue: 100)
  /// Name of the algorithm.
  public static let appAlgo = ParamKey(rawValue: 101)
  /// Library of a compiled application.
  public static let appLibraryPath = ParamKey(rawValue: 102)
  /// Folder for results.
  public static let outputPrefix = ParamKey(rawValue: 103)
  /// Half-open range of ids, a JSON object with `begin` and `end`.
  public static let vertexRange = ParamKey(rawValue: 104)
  /// What to read: a selector, or a JSON object from column to selector.
  public static let selector = ParamKey(rawValue: 105)
  /// Axis along which the fragments of a tensor are concatenated.
  public static let axis = ParamKey(rawValue: 106)
  /// A client's application, as the bytes of a zip archive.
  public static let gar = ParamKey(rawValue: 107)
  /// Signature of a type.
  public static let typeSignature = ParamKey(rawValue: 108)
  /// CMake options for the compilation.
  public static let cmakeExtraOptions = ParamKey(rawValue: 109)
  /// A ``ReportType``, as an integer.
  public static let reportType = ParamKey(rawValue: 200)
  /// A ``ModifyType``, as an integer.
  public static let modifyType = ParamKey(rawValue: 201)
  /// A vertex, as JSON.
  public static let node = ParamKey(rawValue: 202)
  /// An edge, as a JSON array of two vertices.
  public static let edge = ParamKey(rawValue: 203)
  /// Number of a fragment.
  public static let fid = ParamKey(rawValue: 204)
  /// Number of a vertex within its fragment.
  public static let lid = ParamKey(rawValue: 205)
  /// Key that distinguishes parallel edges.
  public static let edgeKey = ParamKey(rawValue: 206)
  /// Vertices, as a JSON array.
  public static let nodes = ParamKey(rawValue: 207)
  /// Edges, as a JSON array.
  public static let edges = ParamKey(rawValue: 208)
  /// `identical` or `reverse`.
  public static let copyType = ParamKey(rawValue: 209)
  /// `reversed`, `directed` or `undirected`.
  public static let viewType = ParamKey(rawValue: 210)
  /// Tables of a property graph; empty for an empty graph.
  public static let arrowPropertyDefinition = ParamKey(rawValue: 300)
  /// Where data comes from: `file`, `pandas`, `vineyard` or the scheme of a URL.
  public static let `protocol` = ParamKey(rawValue: 301)
  /// The data itself.
  public static let values = ParamKey(rawValue: 302)
  /// Column of vertex ids, a name or the decimal index.
  public static let vid = ParamKey(rawValue: 303)
  /// Column of source vertices.
  public static let srcVid = ParamKey(rawValue: 304)
  /// Column of destination vertices.
  public static let dstVid = ParamKey(rawValue: 305)
  /// Label of a table.
  public static let label = ParamKey(rawValue: 306)
  /// Vertex label of the sources.
  public static let srcLabel = ParamKey(rawValue: 307)
  /// Vertex label of the destinations.
  public static let dstLabel = ParamKey(rawValue: 308)
  /// Properties, a JSON object.
  public static let properties = ParamKey(rawValue: 309)
  /// A loader.
  public static let loader = ParamKey(rawValue: 310)
  /// Which directions of edges to load: `both_out_in`, `only_out`, `only_in`.
  public static let loadStrategy = ParamKey(rawValue: 311)
  /// Number of rows.
  public static let rowNum = ParamKey(rawValue: 312)
  /// Number of columns.
  public static let columnNum = ParamKey(rawValue: 313)
  /// Labels of both ends of an edge table.
  public static let subLabel = ParamKey(rawValue: 315)
  /// Whether to add an id column to edges.
  public static let generateEid = ParamKey(rawValue: 316)
  /// Number of the label whose vertices appear under their plain ids.
  public static let defaultLabelID = ParamKey(rawValue: 317)
  /// Vertex number, unsigned, at which a batch begins.
  public static let gid = ParamKey(rawValue: 318)
  /// Whether to keep original ids as a column.
  public static let retainOid = ParamKey(rawValue: 319)
  /// Options for a storage, a JSON object.
  public static let storageOptions = ParamKey(rawValue: 321)
  /// Options for a reader, a JSON object.
  public static let readOptions = ParamKey(rawValue: 322)
  /// Destination to write to, a path or URL.
  public static let fd = ParamKey(rawValue: 323)
  /// Source to read from, a path or URL with options after `#`.
  public static let source = ParamKey(rawValue: 324)
  /// Options for a writer, a JSON object.
  public static let writeOptions = ParamKey(rawValue: 325)
  /// `vertex` or `edge`.
  public static let chunkName = ParamKey(rawValue: 341)
  /// Type of the chunk; always `loader`.
  public static let chunkType = ParamKey(rawValue: 342)
  /// Library of a compiled graph type.
  public static let graphLibraryPath = ParamKey(rawValue: 400)
  /// Folder of a serialized graph.
  public static let graphSerializationPath = ParamKey(rawValue: 401)
  /// Giraph format of vertices.
  public static let vformat = ParamKey(rawValue: 500)
  /// Giraph format of edges.
  public static let eformat = ParamKey(rawValue: 501)
  /// Class path of Java applications.
  public static let javaClassPath = ParamKey(rawValue: 502)
  /// Options of the Java virtual machine.
  public static let jvmOpts = ParamKey(rawValue: 503)

  private static let names: [Int32: String] = [
    0: "GRAPH_NAME", 1: "DST_GRAPH_NAME", 2: "CONTEXT_KEY", 3: "GRAPH_TYPE", 4: "DST_GRAPH_TYPE", 5: "OID_TYPE",
    6: "VID_TYPE", 7: "V_DATA_TYPE", 8: "E_DATA_TYPE", 9: "V_LABEL_ID", 10: "E_LABEL_ID", 11: "V_PROP_ID",
    12: "E_PROP_ID", 13: "LINE_PARSER", 14: "E_FILE", 15: "V_FILE", 16: "VERTEX_LABEL_NUM", 17: "EDGE_LABEL_NUM",
    18: "DIRECTED", 19: "V_PROP_KEY", 20: "E_PROP_KEY", 21: "V_DEFAULT_VAL", 22: "E_DEFAULT_VAL",
    23: "GRAPH_TEMPLATE_CLASS", 24: "REPARTITION_STRATEGY", 26: "PARAM", 27: "DISTRIBUTED", 31: "SCHEMA_PATH",
    35: "GIE_GREMLIN_QUERY_MESSAGE", 36: "GIE_GREMLIN_REQUEST_OPTIONS", 37: "GIE_GREMLIN_FETCH_RESULT_TYPE",
    40: "APP_SIGNATURE", 41: "GRAPH_SIGNATURE", 42: "IS_FROM_VINEYARD_ID", 43: "VINEYARD_ID", 44: "VINEYARD_NAME",
    45: "VERTEX_MAP_TYPE", 46: "COMPACT_EDGES", 47: "USE_PERFECT_HASH", 48: "CONSOLIDATE_COLUMNS_LABEL",
    49: "CONSOLIDATE_COLUMNS_COLUMNS", 50: "CONSOLIDATE_COLUMNS_RESULT_COLUMN", 51: "VERTEX_COLLECTIONS",
    52: "EDGE_COLLECTIONS", 60: "GLE_HANDLE", 61: "GLE_CONFIG", 62: "GLE_GEN_LABELS", 70: "IS_FROM_GAR",
    71: "GRAPH_INFO_PATH", 80: "EXTEND_LABEL_DATA", 100: "APP_NAME", 101: "APP_ALGO", 102: "APP_LIBRARY_PATH",
    103: "OUTPUT_PREFIX", 104: "VERTEX_RANGE", 105: "SELECTOR", 106: "AXIS", 107: "GAR", 108: "TYPE_SIGNATURE",
    109: "CMAKE_EXTRA_OPTIONS", 200: "REPORT_TYPE", 201: "MODIFY_TYPE", 202: "NODE", 203: "EDGE", 204: "FID",
    205: "LID", 206: "EDGE_KEY", 207: "NODES", 208: "EDGES", 209: "COPY_TYPE", 210: "VIEW_TYPE",
    300: "ARROW_PROPERTY_DEFINITION", 301: "PROTOCOL", 302: "VALUES", 303: "VID", 304: "SRC_VID", 305: "DST_VID",
    306: "LABEL", 307: "SRC_LABEL", 308: "DST_LABEL", 309: "PROPERTIES", 310: "LOADER", 311: "LOAD_STRATEGY",
    312: "ROW_NUM", 313: "COLUMN_NUM", 315: "SUB_LABEL", 316: "GENERATE_EID", 317: "DEFAULT_LABEL_ID", 318: "GID",
    319: "RETAIN_OID", 321: "STORAGE_OPTIONS", 322: "READ_OPTIONS", 323: "FD", 324: "SOURCE", 325: "WRITE_OPTIONS",
    341: "CHUNK_NAME", 342: "CHUNK_TYPE", 400: "GRAPH_LIBRARY_PATH", 401: "GRAPH_SERIALIZATION_PATH", 500: "VFORMAT",
    501: "EFORMAT", 502: "JAVA_CLASS_PATH", 503: "JVM_OPTS",
  ]
}
