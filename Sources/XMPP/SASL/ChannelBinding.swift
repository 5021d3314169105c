/// The unique prefix of a channel-binding type as IANA registers it (RFC 5056, RFC 5929, RFC 9266).
package struct ChannelBindingType: RawRepresentable, Hashable, Sendable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }

    /// RFC 9266: keying material exported from the connection; the default for TLS 1.3.
    package static let tlsExporter = Self(rawValue: "tls-exporter")

    /// RFC 5929 §3: the first Finished message; not defined for TLS 1.3.
    package static let tlsUnique = Self(rawValue: "tls-unique")

    /// RFC 5929 §4: the hash of the server's certificate; XEP-0440 obliges servers to have it.
    package static let tlsServerEndPoint = Self(rawValue: "tls-server-end-point")

    /// The types in the order in which a client should try them (XEP-0440, Business Rules).
    package static let byPreference: [ChannelBindingType] = [.tlsExporter, .tlsUnique, .tlsServerEndPoint]
}

/// A channel-binding type with its data for one connection.
package struct ChannelBinding: Hashable, Sendable {
    package let type: ChannelBindingType

    /// Never empty.
    package let data: [UInt8]

    package init(_ type: ChannelBindingType, data: [UInt8]) {
        self.type = type
        self.data = data
    }
}
