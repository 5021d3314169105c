/// The client's side of SASL: chooses a mechanism from what a server offers, and speaks it (RFC 6120 §6.4, XEP-0440).
///
/// Events take and results give the character data of the XML elements, which is Base 64. The first failure ends it.
package struct SASLClient: Sendable {
    /// Who wants to authenticate, and with what.
    package struct Credentials: Sendable {
        /// Prepared (RFC 7622, RFC 8265).
        package var username: String
        package var password: String

        /// Nil to act as oneself.
        package var authzid: String?

        package init(username: String, password: String, authzid: String? = nil) {
            self.username = username
            self.password = password
            self.authzid = authzid
        }
    }

    /// What this client can do, on this connection.
    package struct Abilities: Sendable {
        package var hashes: [ScramHash]

        /// Empty for a client, or a connection, without channel binding.
        package var channelBindings: [ChannelBinding]

        /// Whether the password may be shown to the server; the stream is encrypted then.
        package var allowsPlain: Bool

        /// The accepted iteration counts of SCRAM.
        package var iterations: ClosedRange<Int>

        package init(
            hashes: [ScramHash], channelBindings: [ChannelBinding] = [], allowsPlain: Bool = false,
            iterations: ClosedRange<Int> = ScramClient.acceptableIterations
        ) {
            self.hashes = hashes
            self.channelBindings = channelBindings
            self.allowsPlain = allowsPlain
            self.iterations = iterations
        }
    }

    private enum State: Sendable {
        case plain(PlainMessage)
        case scram(ScramClient)
    }

    package let mechanism: SASLMechanism
    private var state: State

    /// Chooses the best mechanism offered, or takes `mechanism` if that is given and offered.
    package init(
        _ credentials: Credentials, _ abilities: Abilities, offered: SASLAdvertisement,
        mechanism wanted: SASLMechanism? = nil, nonce: ScramNonce
    ) throws(SASLClientError) {
        let choice = try SASLClientChoice(abilities, offered)
        guard let mechanism = choice.mechanisms.first(where: { wanted == nil || $0 == wanted }) else {
            throw .noMechanism
        }
        self.mechanism = mechanism
        switch mechanism {
        case .plain:
            state = .plain(
                PlainMessage(
                    authzid: credentials.authzid, username: credentials.username, password: credentials.password))
        case .scram(let name, let bindsChannel):
            guard let hash = abilities.hashes.first(where: { $0.name == name }) else { throw .noMechanism }
            state = .scram(
                ScramClient(
                    hash: hash, username: credentials.username, password: credentials.password,
                    authzid: credentials.authzid, binding: choice.binding(bindsChannel: bindsChannel), nonce: nonce,
                    advertisement: offered, requiresDowngradeProtection: choice.requiresDowngradeProtection,
                    iterations: abilities.iterations))
        }
    }

    /// The text for `<auth/>`.
    package var initialResponse: [UInt8] {
        switch state {
        case .plain(let message): SASLText.encode(message.bytes)
        case .scram(let client): SASLText.encode(client.initialResponse)
        }
    }

    /// `<challenge/>` arrived; returns the text for `<response/>`.
    package mutating func challenged(_ text: [UInt8]) throws(SASLClientError) -> [UInt8] {
        switch state {
        case .plain:
            throw .outOfOrder
        case .scram(var client):
            let message = try SASLClient.decode(text)
            defer { state = .scram(client) }
            // RFC 4422 §3.6: a server may also send its last message as a challenge and then have nothing to add.
            guard !client.awaitsServerFinal else {
                try client.finished(message)
                return []
            }
            return try SASLText.encode(client.challenged(message))
        }
    }

    /// `<success/>` arrived, with or without text. Only when this returns is the server authenticated too.
    package mutating func succeeded(_ text: [UInt8]?) throws(SASLClientError) {
        switch state {
        case .plain:
            return
        case .scram(var client):
            defer { state = .scram(client) }
            if let text, !text.isEmpty {
                try client.finished(SASLClient.decode(text))
            } else if !client.isVerified {
                throw .outOfOrder
            }
        }
    }

    private static func decode(_ text: [UInt8]) throws(SASLClientError) -> [UInt8] {
        do throws(SASLFailure) {
            return try SASLText.decode(text)
        } catch {
            throw .incorrectEncoding
        }
    }
}
