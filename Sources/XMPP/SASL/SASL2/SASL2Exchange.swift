/// The server's side of SASL2 on one stream (XEP-0388 §2).
///
///     idle ──authenticate──► authenticating ──────► succeeded
///       ▲                     │   ▲       │             ▲
///       └──────failure────────┘   └───────┴─► offered ─next─► salted ─task-data─► storing ─► (the next task)
///                                              └────────────failure────────────► ended
///
/// Events take and results give the character data of the XML elements, which is Base 64. Nothing is written or looked
/// up here. What comes at a time when it must not is answered by `disconnect` (§2.4, §6.8).
package struct SASL2Exchange: Sendable {
    package enum Action: Sendable {
        /// Send the text in a `<challenge/>`; it may be empty.
        case challenge([UInt8])
        /// As in `SASLExchange`.
        case lookUpKeys(username: String, ScramHash.Name, SASLTicket)
        /// As in `SASLExchange`.
        case checkPassword(username: String, password: String, SASLTicket)
        /// Have the token checked that the client has hashed, and answer with `tokenChecked` and the same ticket.
        case checkToken(HashedTokenMessage, HashedTokenMechanism, SASLTicket)
        /// Send `<continue/>` with the one task that makes keys for the hash function (XEP-0480 §3.2).
        case offerTask(ScramHash.Name, additionalData: [UInt8]?)
        /// Send what the client is to salt its password with (XEP-0480 §4).
        case sendSalt([UInt8], iterations: Int)
        /// Keep the keys, and answer with `keysStored` and the same ticket.
        case storeKeys(username: String, ScramHash.Name, ScramKeys, SASLTicket)
        case succeeded(SASL2Success)
        /// Send the `<failure/>`.
        case failed(SASLFailure)
        /// End the stream; the reason is for the log.
        case disconnect(String)
        /// The answer to a question that no longer matters.
        case ignored
    }

    /// Tasks that are left after the client has proved who it is.
    private struct Tasks: Sendable {
        let success: SASLSuccess
        let current: ScramHash.Name
        var rest: ArraySlice<ScramHash.Name>
    }

    private enum State: Sendable {
        case idle
        case authenticating(SASL2Request)
        case checkingToken(HashedTokenMessage, HashedTokenMechanism)
        case offered(Tasks)
        case salted(Tasks, salt: [UInt8], iterations: Int)
        case storing(Tasks)
        case succeeded
        /// A task has failed: there is no way back, for `<continue/>` was sent (XEP-0388 §6.8).
        case ended
    }

    private let context: SASL2Context
    private var sasl: SASLExchange
    private var state = State.idle
    private var ticket = SASLTicket(number: 0)
    /// Of those that `sasl` does not count.
    private var ownFailures = 0

    package init(_ context: SASL2Context) {
        self.context = context
        sasl = SASLExchange(context.sasl)
    }

    /// How many attempts have not succeeded; see `SASLExchange`.
    package var failures: Int { sasl.failures + ownFailures }

    /// Whether nothing but the elements of this exchange may arrive now.
    package var isInProgress: Bool {
        switch state {
        case .idle, .succeeded: false
        case .authenticating, .checkingToken, .offered, .salted, .storing, .ended: true
        }
    }

    /// As in `SASLExchange`.
    package mutating func learn(_ channelBindings: [ChannelBinding]) { sasl.learn(channelBindings) }

    // MARK: What the client sends

    /// `<authenticate/>` arrived. `nonce` is fresh for every event.
    package mutating func authenticate(_ request: SASL2Request, nonce: ScramNonce) -> Action {
        switch state {
        case .idle: break
        case .authenticating, .checkingToken, .offered, .salted, .storing, .succeeded, .ended:
            return .disconnect("a second authenticate")
        }
        if let mechanism = HashedTokenMechanism(rawValue: request.mechanism) { return token(mechanism, request) }
        state = .authenticating(request)
        return forward(
            sasl.auth(mechanism: request.mechanism, initialResponse: request.initialResponse, nonce: nonce))
    }

    /// `<authenticate/>` arrived and cannot be understood.
    package mutating func refuse(_ failure: SASLFailure) -> Action {
        switch state {
        case .idle: return fail(failure)
        case .authenticating, .checkingToken, .offered, .salted, .storing, .succeeded, .ended:
            return .disconnect("a second authenticate")
        }
    }

    /// `<response/>` arrived.
    package mutating func response(_ text: [UInt8]) -> Action {
        switch state {
        case .authenticating: return forward(sasl.response(text))
        case .idle: return fail(SASLFailure(.malformedRequest, "a response without a handshake"))
        case .checkingToken, .offered, .salted, .storing, .succeeded, .ended:
            return .disconnect("a response that nothing was asked for")
        }
    }

    /// `<abort/>` arrived.
    package mutating func abort() -> Action {
        switch state {
        case .authenticating: return forward(sasl.abort())
        case .idle, .checkingToken: return fail(SASLFailure(.aborted))
        case .offered, .salted, .storing: return end(SASLFailure(.aborted))
        case .succeeded, .ended: return .disconnect("abort after the end")
        }
    }

    /// `<next/>` arrived.
    /// - Parameter salt: random, for keys that are made.
    package mutating func next(task: String, salt: [UInt8], iterations: Int) -> Action {
        switch state {
        case .offered(let tasks):
            guard task == tasks.current.upgradeTask else {
                return end(SASLFailure(.malformedRequest, "a task that was not offered"))
            }
            state = .salted(tasks, salt: salt, iterations: iterations)
            return .sendSalt(salt, iterations: iterations)
        case .idle: return fail(SASLFailure(.malformedRequest, "a task without a handshake"))
        case .authenticating, .checkingToken, .salted, .storing, .succeeded, .ended:
            return .disconnect("a task that was not offered")
        }
    }

    /// `<task-data/>` arrived.
    /// - Parameter hash: the text of its `<hash/>`; nil if it has none.
    package mutating func taskData(hash text: [UInt8]?) -> Action {
        switch state {
        case .salted(let tasks, let salt, let iterations):
            guard let hash = context.sasl.hashes.first(where: { $0.name == tasks.current }) else {
                return end(SASLFailure(.temporaryAuthFailure, "no function for \(tasks.current.rawValue)"))
            }
            guard let text, !text.isEmpty else {
                return end(SASLFailure(.malformedRequest, "a task without a hash"))
            }
            guard text.count <= Base64.encodedSize(of: hash.size), let salted = Base64.decode(text) else {
                return end(SASLFailure(.incorrectEncoding, "the hash of a task is not Base 64"))
            }
            guard salted.count == hash.size else {
                return end(SASLFailure(.malformedRequest, "the hash of a task has \(salted.count) bytes"))
            }
            state = .storing(tasks)
            ticket = ticket.next
            let keys = ScramKeys(saltedPassword: salted, salt: salt, iterations: iterations, hash: hash)
            return .storeKeys(username: tasks.success.username, tasks.current, keys, ticket)
        case .idle: return fail(SASLFailure(.malformedRequest, "task data without a handshake"))
        case .authenticating, .checkingToken, .offered, .storing, .succeeded, .ended:
            return .disconnect("task data that nothing was asked for")
        }
    }

    // MARK: Answers to questions

    /// The account sources answered `lookUpKeys`.
    package mutating func keysFound(_ lookup: ScramLookup, _ ticket: SASLTicket) -> Action {
        guard case .authenticating = state else { return .ignored }
        return forward(sasl.keysFound(lookup, ticket))
    }

    /// The account sources answered `checkPassword`.
    package mutating func passwordChecked(_ verdict: PasswordVerdict, _ ticket: SASLTicket) -> Action {
        guard case .authenticating = state else { return .ignored }
        return forward(sasl.passwordChecked(verdict, ticket))
    }

    package mutating func tokenChecked(_ verdict: TokenVerdict, _ ticket: SASLTicket) -> Action {
        guard case .checkingToken(let message, let mechanism) = state, ticket == self.ticket else { return .ignored }
        switch verdict {
        case .right(let proof, let isDue):
            state = .succeeded
            return .succeeded(
                SASL2Success(
                    username: message.username, mechanism: mechanism.name, additionalData: SASLText.encode(proof),
                    token: SASL2Success.TokenUse(isDue: isDue)))
        case .refused(let failure):
            return fail(failure)
        }
    }

    /// - Parameter failure: why the keys could not be stored.
    package mutating func keysStored(_ failure: SASLFailure?, _ ticket: SASLTicket) -> Action {
        guard case .storing(let tasks) = state, ticket == self.ticket else { return .ignored }
        if let failure { return end(failure) }
        return goOn(tasks.success, tasks.rest, additionalData: nil)
    }

    // MARK: Steps

    private mutating func token(_ mechanism: HashedTokenMechanism, _ request: SASL2Request) -> Action {
        do throws(SASLFailure) {
            guard context.tokenMechanisms.contains(mechanism) else {
                throw SASLFailure(.invalidMechanism, "\(mechanism.name) was not offered")
            }
            guard request.fast != nil else { throw SASLFailure(.malformedRequest, "a token without <fast/>") }
            guard request.userAgent?.id != nil else {
                throw SASLFailure(.malformedRequest, "a token without the id of a device")
            }
            guard let text = request.initialResponse else {
                throw SASLFailure(.malformedRequest, "a token without an initial response")
            }
            let message = try HashedTokenMessage(parsing: SASLText.decode(text))
            ticket = ticket.next
            state = .checkingToken(message, mechanism)
            return .checkToken(message, mechanism, ticket)
        } catch {
            return fail(error)
        }
    }

    private mutating func forward(_ action: SASLExchange.Action) -> Action {
        switch action {
        case .challenge(let text): return .challenge(text)
        case .lookUpKeys(let username, let hash, let ticket): return .lookUpKeys(username: username, hash, ticket)
        case .checkPassword(let username, let password, let ticket):
            return .checkPassword(username: username, password: password, ticket)
        case .succeeded(let success):
            guard case .authenticating(let request) = state else { return .ignored }
            let lacking = request.upgrades.isEmpty ? [] : context.lackingKeys(success.username)
            return goOn(success, request.upgrades.filter(lacking.contains)[...], additionalData: success.additionalData)
        case .failed(let failure):
            state = .idle
            return .failed(failure)
        case .ignored: return .ignored
        }
    }

    /// Goes on to the next task, or to the end.
    private mutating func goOn(
        _ success: SASLSuccess, _ tasks: ArraySlice<ScramHash.Name>, additionalData: [UInt8]?
    ) -> Action {
        guard let next = tasks.first else {
            state = .succeeded
            return .succeeded(
                SASL2Success(
                    username: success.username, mechanism: success.mechanism.name, additionalData: additionalData,
                    token: nil))
        }
        state = .offered(Tasks(success: success, current: next, rest: tasks.dropFirst()))
        return .offerTask(next, additionalData: additionalData)
    }

    /// Ends the handshake; the next one may follow.
    private mutating func fail(_ failure: SASLFailure) -> Action {
        state = .idle
        ownFailures += 1
        return .failed(failure)
    }

    private mutating func end(_ failure: SASLFailure) -> Action {
        state = .ended
        ownFailures += 1
        return .failed(failure)
    }
}
