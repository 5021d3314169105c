/// A mechanism of the HT family with SHA-256: the client proves that it has a token, in one message each way
/// (draft-schmaus-kitten-sasl-ht-09, used by XEP-0484).
package enum HashedTokenMechanism: String, CaseIterable, Hashable, Sendable {
    case exporter = "HT-SHA-256-EXPR"
    case endPoint = "HT-SHA-256-ENDP"
    case unbound = "HT-SHA-256-NONE"

    /// The registered name.
    package var name: String { rawValue }

    /// What the exchange is bound to; nil for nothing.
    package var channelBindingType: ChannelBindingType? {
        switch self {
        case .exporter: .tlsExporter
        case .endPoint: .tlsServerEndPoint
        case .unbound: nil
        }
    }

    /// Those that a connection with these channel bindings has data for; the ones to prefer first.
    package static func possible(with types: [ChannelBindingType]) -> [HashedTokenMechanism] {
        allCases.filter { $0.channelBindingType.map(types.contains) ?? true }
    }
}
