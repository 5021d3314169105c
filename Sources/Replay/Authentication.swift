internal import TLS
internal import XMPP

/// A client's side of a SASL exchange as the text of XML elements (RFC 6120 §6).
struct Authentication {
    private var client: SASLClient

    /// Takes the mechanism the role asks for, or the best of those offered.
    init(of role: Transcript.Role, on connection: ChannelBindings, offered: SASLAdvertisement) throws(StepFailure) {
        let credentials = SASLClient.Credentials(username: role.localpart, password: role.password)
        let abilities = SASLClient.Abilities(
            hashes: Self.hashes, channelBindings: connection.bindings, allowsPlain: true,
            // Servers under test may be set to few iterations, to be fast.
            iterations: 1...1_000_000)
        var mechanism: SASLMechanism?
        if let name = role.mechanism {
            mechanism = SASLMechanism(name: name)
            guard mechanism != nil else { throw StepFailure("  the mechanism \(name) is unknown") }
        }
        do {
            client = try SASLClient(
                credentials, abilities, offered: offered, mechanism: mechanism,
                nonce: ScramNonce(random: randomBytes(24)))
        } catch {
            throw StepFailure(
                "  cannot authenticate (\(error)); offered are \(offered.mechanisms.joined(separator: ", "))")
        }
    }

    var mechanism: String { client.mechanism.name }

    var initialResponse: String {
        let text = String(decoding: client.initialResponse, as: UTF8.self)
        return text.isEmpty ? "=" : text
    }

    mutating func challenged(_ text: String) throws(StepFailure) -> String {
        do {
            return String(decoding: try client.challenged(Array(text.utf8)), as: UTF8.self)
        } catch {
            throw StepFailure("  \(mechanism): the challenge is refused: \(error)")
        }
    }

    mutating func succeeded(_ text: String) throws(StepFailure) {
        do {
            try client.succeeded(text.isEmpty ? nil : Array(text.utf8))
        } catch {
            throw StepFailure("  \(mechanism): the server has not proved itself: \(error)")
        }
    }

    private static let hashes = [(ScramHash.Name.sha512, Hash.sha512), (.sha256, .sha256), (.sha1, .sha1)].map {
        (name: ScramHash.Name, hash: Hash) in
        ScramHash(
            name, digest: hash.digest, hmac: hash.hmac,
            pbkdf2: { hash.pbkdf2(password: $0, salt: $1, iterations: $2) })
    }
}

/// The channel bindings a connection has.
struct ChannelBindings {
    let bindings: [ChannelBinding]

    init(of client: ReplayClient) async throws {
        var bindings: [ChannelBinding] = []
        for type in ChannelBindingType.byPreference {
            if let data = try await client.channelBinding(type.rawValue) {
                bindings.append(ChannelBinding(type, data: data))
            }
        }
        self.bindings = bindings
    }
}
