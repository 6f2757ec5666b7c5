import CGraphScopeProto

// Associates each generated struct with its initializer, which protoc-gen-c relates by name only.

extension Google__Protobuf__Any: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { google__protobuf__any__init(message) }
}
extension Gs__Rpc__AddLibRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__add_lib_request__init(message) }
}
extension Gs__Rpc__AddLibResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__add_lib_response__init(message) }
}
extension Gs__Rpc__AttrValue: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__attr_value__init(message) }
}
extension Gs__Rpc__AttrValue__ListValue: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__attr_value__list_value__init(message) }
}
extension Gs__Rpc__BoolValue: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__bool_value__init(message) }
}
extension Gs__Rpc__BytesValue: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__bytes_value__init(message) }
}
extension Gs__Rpc__Chunk: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__chunk__init(message) }
}
extension Gs__Rpc__ChunkMeta: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__chunk_meta__init(message) }
}
extension Gs__Rpc__ChunkMeta__AttrEntry: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__chunk_meta__attr_entry__init(message) }
}
extension Gs__Rpc__Chunk__AttrEntry: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__chunk__attr_entry__init(message) }
}
extension Gs__Rpc__CloseAnalyticalInstanceRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__close_analytical_instance_request__init(message)
  }
}
extension Gs__Rpc__CloseAnalyticalInstanceResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__close_analytical_instance_response__init(message)
  }
}
extension Gs__Rpc__CloseInteractiveInstanceRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__close_interactive_instance_request__init(message)
  }
}
extension Gs__Rpc__CloseInteractiveInstanceResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__close_interactive_instance_response__init(message)
  }
}
extension Gs__Rpc__CloseLearningInstanceRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__close_learning_instance_request__init(message)
  }
}
extension Gs__Rpc__CloseLearningInstanceResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__close_learning_instance_response__init(message)
  }
}
extension Gs__Rpc__CloseSessionRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__close_session_request__init(message) }
}
extension Gs__Rpc__CloseSessionResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__close_session_response__init(message) }
}
extension Gs__Rpc__ConnectSessionRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__connect_session_request__init(message) }
}
extension Gs__Rpc__ConnectSessionResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__connect_session_response__init(message) }
}
extension Gs__Rpc__CreateAnalyticalInstanceRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__create_analytical_instance_request__init(message)
  }
}
extension Gs__Rpc__CreateAnalyticalInstanceResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__create_analytical_instance_response__init(message)
  }
}
extension Gs__Rpc__CreateInteractiveInstanceRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__create_interactive_instance_request__init(message)
  }
}
extension Gs__Rpc__CreateInteractiveInstanceRequest__ParamsEntry: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__create_interactive_instance_request__params_entry__init(message)
  }
}
extension Gs__Rpc__CreateInteractiveInstanceResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__create_interactive_instance_response__init(message)
  }
}
extension Gs__Rpc__CreateLearningInstanceRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__create_learning_instance_request__init(message)
  }
}
extension Gs__Rpc__CreateLearningInstanceResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__create_learning_instance_response__init(message)
  }
}
extension Gs__Rpc__DagDef: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__dag_def__init(message) }
}
extension Gs__Rpc__DoubleValue: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__double_value__init(message) }
}
extension Gs__Rpc__FetchLogsRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__fetch_logs_request__init(message) }
}
extension Gs__Rpc__FetchLogsResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__fetch_logs_response__init(message) }
}
extension Gs__Rpc__FloatValue: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__float_value__init(message) }
}
extension Gs__Rpc__Graph__EdgeKindPb: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__graph__edge_kind_pb__init(message) }
}
extension Gs__Rpc__Graph__GraphDefPb: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__graph__graph_def_pb__init(message) }
}
extension Gs__Rpc__Graph__GraphDefPb__PropertyNameToIdEntry: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__graph__graph_def_pb__property_name_to_id_entry__init(message)
  }
}
extension Gs__Rpc__Graph__LabelIdPb: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__graph__label_id_pb__init(message) }
}
extension Gs__Rpc__Graph__MutableGraphInfoPb: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__graph__mutable_graph_info_pb__init(message) }
}
extension Gs__Rpc__Graph__PropertyDefPb: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__graph__property_def_pb__init(message) }
}
extension Gs__Rpc__Graph__PropertyValuePb: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__graph__property_value_pb__init(message) }
}
extension Gs__Rpc__Graph__TypeDefPb: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__graph__type_def_pb__init(message) }
}
extension Gs__Rpc__Graph__VineyardInfoPb: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__graph__vineyard_info_pb__init(message) }
}
extension Gs__Rpc__HeartBeatRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__heart_beat_request__init(message) }
}
extension Gs__Rpc__HeartBeatResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__heart_beat_response__init(message) }
}
extension Gs__Rpc__Int32Value: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__int32_value__init(message) }
}
extension Gs__Rpc__Int64Value: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__int64_value__init(message) }
}
extension Gs__Rpc__LargeAttrValue: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__large_attr_value__init(message) }
}
extension Gs__Rpc__LargeAttrValue__ChunkList: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__large_attr_value__chunk_list__init(message) }
}
extension Gs__Rpc__LargeAttrValue__ChunkMetaList: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) {
    gs__rpc__large_attr_value__chunk_meta_list__init(message)
  }
}
extension Gs__Rpc__NameAttrList: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__name_attr_list__init(message) }
}
extension Gs__Rpc__NameAttrList__AttrEntry: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__name_attr_list__attr_entry__init(message) }
}
extension Gs__Rpc__OpDef: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__op_def__init(message) }
}
extension Gs__Rpc__OpDef__AttrEntry: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__op_def__attr_entry__init(message) }
}
extension Gs__Rpc__OpResult: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__op_result__init(message) }
}
extension Gs__Rpc__OpResult__Meta: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__op_result__meta__init(message) }
}
extension Gs__Rpc__QueryArgs: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__query_args__init(message) }
}
extension Gs__Rpc__RunStepRequest: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__run_step_request__init(message) }
}
extension Gs__Rpc__RunStepRequestHead: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__run_step_request_head__init(message) }
}
extension Gs__Rpc__RunStepResponse: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__run_step_response__init(message) }
}
extension Gs__Rpc__RunStepResponseHead: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__run_step_response_head__init(message) }
}
extension Gs__Rpc__StringValue: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__string_value__init(message) }
}
extension Gs__Rpc__UInt32Value: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__uint32_value__init(message) }
}
extension Gs__Rpc__UInt64Value: CMessage {
  static func initialize(_ message: UnsafeMutablePointer<Self>) { gs__rpc__uint64_value__init(message) }
}
