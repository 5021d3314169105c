/// The server's side of SASL on one stream: handshakes, one after the other, until one succeeds (RFC 6120 §6.4).
///
/// Events take and results give the character data of the XML elements, which is Base 64. Nothing is written or looked
/// up here: the caller does what the result says. User names and passwords are as the client sent them; preparing them
/// (RFC 7622, RFC 8265) is up to the caller.
package struct SASLExchange: Sendable {
    package enum Action: Sendable {
        /// Send the text in a `<challenge/>`; it may be empty.
        case challenge([UInt8])

        /// Ask for the account's keys for the hash function and answer with `keysFound` and the same ticket.
        case lookUpKeys(username: String, ScramHash.Name, SASLTicket)

        /// Have the password checked and answer with `passwordChecked` and the same ticket. Never empty.
        case checkPassword(username: String, password: String, SASLTicket)

        case succeeded(SASLSuccess)

        /// Send the `<failure/>`; the client may try again until `failures` is too high.
        case failed(SASLFailure)

        /// The answer to a question that no longer matters.
        case ignored
    }

    private enum State: Sendable {
        case idle
        case awaitingPlain
        case checkingPassword(username: String)
        case scram(ScramServer, SASLMechanism)
        case succeeded
    }

    /// The longest message, decoded, in bytes: room for every field of PLAIN at its limit.
    package static let maximumMessageSize = 8192

    /// In bytes. RFC 4616 asks for 255 at least.
    package static let maximumPasswordSize = 1024

    private var context: SASLContext
    private var state = State.idle
    private var ticket = SASLTicket(number: 0)

    /// How many handshakes have not succeeded; RFC 6120 §6.4.5 wants the stream closed after three to six.
    ///
    /// Some clients know only `tls-unique`, which TLS 1.3 does not have and which is not on offer, and try it with one
    /// `-PLUS` mechanism after the other before one that they can speak. No name and no password is tried so, and the
    /// first refusal of each mechanism does not count; else nothing would be left for people who mistype.
    package private(set) var failures = 0
    private var misunderstood: Set<SASLMechanism> = []

    package init(_ context: SASLContext) {
        self.context = context
    }

    /// The channel-binding data of the connection, which has to be known before a `-PLUS` mechanism begins.
    package mutating func learn(_ channelBindings: [ChannelBinding]) {
        context.channelBindings = channelBindings
    }

    /// `<auth/>` arrived. Nil or empty text is no initial response, "=" is one of zero length; SASL2's empty
    /// `<initial-response/>` is the latter. An unfinished handshake is discarded. `nonce` is fresh for every event.
    package mutating func auth(mechanism name: String, initialResponse: [UInt8]?, nonce: ScramNonce) -> Action {
        switch state {
        case .succeeded:
            return refuse(SASLFailure(.malformedRequest, "auth after success"))
        case .awaitingPlain, .checkingPassword, .scram:
            failures += 1
        case .idle:
            break
        }
        ticket = ticket.next
        do throws(SASLFailure) {
            let mechanism = try context.offer.mechanism(named: name)
            switch mechanism {
            case .plain:
                state = .awaitingPlain
            case .scram(let hashName, let bindsChannel):
                guard let hash = context.hashes.first(where: { $0.name == hashName }) else {
                    throw SASLFailure(.temporaryAuthFailure, "no function for \(hashName.rawValue)")
                }
                state = .scram(
                    ScramServer(hash: hash, bindsChannel: bindsChannel, nonce: nonce, context: context), mechanism)
            }
        } catch {
            return fail(error)
        }
        guard let initialResponse, !initialResponse.isEmpty else { return .challenge([]) }
        return response(initialResponse)
    }

    /// `<response/>` arrived; empty text and "=" both stand for a response of zero length.
    package mutating func response(_ text: [UInt8]) -> Action {
        do throws(SASLFailure) {
            switch state {
            case .idle:
                throw SASLFailure(.malformedRequest, "a response without a handshake")
            case .awaitingPlain:
                return try plain(SASLText.decode(text))
            case .checkingPassword:
                throw SASLFailure(.malformedRequest, "a response while the password is being checked")
            case .scram(var server, let mechanism):
                let action = try server.received(SASLText.decode(text))
                state = .scram(server, mechanism)
                return scram(action, mechanism)
            case .succeeded:
                return refuse(SASLFailure(.malformedRequest, "a response after success"))
            }
        } catch {
            return fail(error)
        }
    }

    /// `<abort/>` arrived.
    package mutating func abort() -> Action {
        switch state {
        case .idle, .awaitingPlain, .checkingPassword, .scram:
            fail(SASLFailure(.aborted))
        case .succeeded:
            refuse(SASLFailure(.malformedRequest, "abort after success"))
        }
    }

    /// The account sources answered `lookUpKeys`.
    package mutating func keysFound(_ lookup: ScramLookup, _ ticket: SASLTicket) -> Action {
        guard ticket == self.ticket else { return .ignored }
        switch state {
        case .scram(var server, let mechanism):
            let action = server.keysFound(lookup)
            state = .scram(server, mechanism)
            return scram(action, mechanism)
        case .idle, .awaitingPlain, .checkingPassword, .succeeded:
            return .ignored
        }
    }

    /// The account sources answered `checkPassword`.
    package mutating func passwordChecked(_ verdict: PasswordVerdict, _ ticket: SASLTicket) -> Action {
        guard ticket == self.ticket else { return .ignored }
        switch state {
        case .checkingPassword(let username):
            switch verdict {
            case .right:
                state = .succeeded
                return .succeeded(
                    SASLSuccess(username: username, mechanism: .plain, channelBinding: nil, additionalData: nil))
            case .wrong:
                return fail(SASLFailure(.notAuthorized, "wrong password, or no such account"))
            case .refused(let failure):
                return fail(failure)
            }
        case .idle, .awaitingPlain, .scram, .succeeded:
            return .ignored
        }
    }

    private mutating func plain(_ bytes: [UInt8]) throws(SASLFailure) -> Action {
        let message = try PlainMessage(parsing: bytes)
        try context.check(username: message.username, authzid: message.authzid)
        guard message.password.utf8.count <= SASLExchange.maximumPasswordSize else {
            throw SASLFailure(.malformedRequest, "the password has \(message.password.utf8.count) bytes")
        }
        state = .checkingPassword(username: message.username)
        return .checkPassword(username: message.username, password: message.password, ticket)
    }

    private mutating func scram(_ action: ScramServer.Action, _ mechanism: SASLMechanism) -> Action {
        switch action {
        case .lookUpKeys(let username):
            switch mechanism {
            case .scram(let hash, _): return .lookUpKeys(username: username, hash, ticket)
            case .plain: return fail(SASLFailure(.temporaryAuthFailure, "PLAIN has no keys"))
            }
        case .challenge(let bytes):
            return .challenge(SASLText.encode(bytes))
        case .succeeded(let username, let channelBinding, let serverFinal):
            state = .succeeded
            return .succeeded(
                SASLSuccess(
                    username: username, mechanism: mechanism, channelBinding: channelBinding,
                    additionalData: SASLText.encode(serverFinal)))
        case .failed(let failure) where failure.isMisunderstanding && misunderstood.insert(mechanism).inserted:
            state = .idle
            return .failed(failure)
        case .failed(let failure):
            return fail(failure)
        case .ignored:
            return .ignored
        }
    }

    /// Ends the handshake; the next one may follow.
    private mutating func fail(_ failure: SASLFailure) -> Action {
        state = .idle
        return refuse(failure)
    }

    private mutating func refuse(_ failure: SASLFailure) -> Action {
        failures += 1
        return .failed(failure)
    }
}
