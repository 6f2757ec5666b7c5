/// The version of this server.
public let serverVersion = "0.2.0"

/// The version of the Python client whose protocol this server speaks.
public let clientVersion = "0.29.0"
