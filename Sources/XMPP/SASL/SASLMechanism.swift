/// A SASL mechanism that the machines of this module speak (RFC 6120 §13.8).
package enum SASLMechanism: Hashable, Sendable {
    /// RFC 5802, RFC 7677; with `channelBinding` the mechanism whose name ends in `-PLUS`.
    case scram(ScramHash.Name, channelBinding: Bool)

    /// RFC 4616.
    case plain

    /// All mechanisms, the ones to prefer first: bound to the channel before unbound, strong hashes before weak ones,
    /// and the one that shows the password to the server last.
    package static let byPreference: [SASLMechanism] =
        ScramHash.Name.allCases.map { .scram($0, channelBinding: true) }
        + ScramHash.Name.allCases.map { .scram($0, channelBinding: false) }
        + [.plain]

    /// The registered name.
    package var name: String {
        switch self {
        case .scram(let hash, channelBinding: false): "SCRAM-\(hash.rawValue)"
        case .scram(let hash, channelBinding: true): "SCRAM-\(hash.rawValue)-PLUS"
        case .plain: "PLAIN"
        }
    }

    package var bindsChannel: Bool {
        switch self {
        case .scram(_, let channelBinding): channelBinding
        case .plain: false
        }
    }

    /// The mechanism of a registered name; names are case-sensitive (RFC 4422 §3.1).
    package init?(name: String) {
        guard let mechanism = SASLMechanism.byName[name] else { return nil }
        self = mechanism
    }

    private static let byName = Dictionary(uniqueKeysWithValues: byPreference.map { ($0.name, $0) })
}
