internal import Accounts
internal import Logging
internal import NIOCore
internal import TLS
package import XMPP

/// XEP-0388: the client proves who it is by SASL2, and gets what else it has asked for with the same answer.
///
/// With tasks that make keys for stronger mechanisms (XEP-0480). What comes with the answer is in `InlineNegotiation`.
struct ExtensibleSASL: StreamFeature {
    let rule = StreamFeatureRule(
        requires: .encrypted, excludes: .authenticated,
        elements: [
            ("authenticate", .sasl2), ("response", .sasl2), ("abort", .sasl2), ("next", .sasl2), ("task-data", .sasl2),
        ], authenticates: true)

    /// The exchange of a stream, from its beginning on.
    private static let exchange = StreamSlot<SASL2Exchange?> { nil }
    /// What the client wants, while it authenticates.
    private static let wish = StreamSlot<Wish?> { nil }

    /// What a client has asked for.
    private struct Wish {
        let element: Element
        let request: SASL2Request
        /// What a token that the client has asked for depends on; see `DeviceTokens`.
        var passwordRevision: Int?
    }

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        writer.raw(stream.authenticationOffer.authentication)
    }

    /// How many log-ins with SASL2 have failed on a stream.
    static func failures(on stream: StreamHandler) -> Int { stream[exchange]?.failures ?? 0 }

    // MARK: What the client sends

    func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        try goOn(stream) { exchange in
            if element.isNamed("authenticate") { return authenticate(element, &exchange, on: stream) }
            if element.isNamed("response") { return exchange.response(Array(element.text.utf8)) }
            if element.isNamed("next") {
                let domain = stream.machine.domain.flatMap { stream.kernel.domain($0) }
                let parameters = domain?.local?.keyParameters
                return exchange.next(
                    task: element["task"] ?? "", salt: randomBytes(parameters?.saltLength ?? 16),
                    iterations: parameters?.iterations ?? 4_096)
            }
            if element.isNamed("task-data") {
                return exchange.taskData(hash: element.child("hash", in: .scramUpgrade).map { Array($0.text.utf8) })
            }
            return exchange.abort()
        }
    }

    private func authenticate(
        _ element: Element, _ exchange: inout SASL2Exchange, on stream: StreamHandler
    ) -> SASL2Exchange.Action {
        let request: SASL2Request
        do throws(SASLFailure) { request = try SASL2Request(element) } catch { return exchange.refuse(error) }
        if !exchange.isInProgress { stream[Self.wish] = Wish(element: element, request: request) }
        if request.mechanism.hasSuffix("-PLUS") { exchange.learn(stream.channelBindings) }
        return exchange.authenticate(request, nonce: ScramNonce(random: randomBytes(18)))
    }

    private func context(of stream: StreamHandler) -> SASL2Context {
        let claimed = stream.claimed
        let domain = stream.machine.domain.flatMap { stream.kernel.domain($0) }
        return SASL2Context(
            // XEP-0388 §2.3: an authorization identity has to be the one in the stream's header.
            sasl: SASLContext(stream) { named in claimed.map { $0 == named } ?? true },
            tokenMechanisms: stream.authenticationOffer.tokenMechanisms,
            lackingKeys: { username in
                guard let domain, let account = domain.account(username) else { return [] }
                return Set(ScramHash.Name.allCases).subtracting(domain.hashes(of: account))
            })
    }

    // MARK: Carrying out

    private func goOn(
        _ stream: StreamHandler, _ event: (inout SASL2Exchange) -> SASL2Exchange.Action
    ) throws(StreamError) {
        var exchange = stream[Self.exchange] ?? SASL2Exchange(context(of: stream))
        let action = event(&exchange)
        stream[Self.exchange] = exchange
        if exchange.isInProgress { stream.negotiated(.authenticating) } else { stream.lost(.authenticating) }
        try carryOut(action, on: stream)
    }

    private func carryOut(_ action: SASL2Exchange.Action, on stream: StreamHandler) throws(StreamError) {
        switch action {
        case .challenge(let text): write(on: stream) { $0.element("challenge", in: .sasl2, text: Self.text(text)) }
        case .lookUpKeys(let username, let hash, let ticket): lookUpKeys(username, hash, ticket, on: stream)
        case .checkPassword(let username, let password, let ticket): check(username, password, ticket, on: stream)
        case .checkToken(let message, let mechanism, let ticket): check(message, mechanism, ticket, on: stream)
        case .offerTask(let hash, let additionalData):
            stream.endAttempt(.succeeded)
            write(on: stream) { ScramUpgrade.writeOffer(of: hash, additionalData, into: &$0) }
        case .sendSalt(let salt, let iterations):
            write(on: stream) { ScramUpgrade.write(salt: salt, iterations: iterations, into: &$0) }
        case .storeKeys(let username, let hash, let keys, let ticket): store(keys, hash, username, ticket, on: stream)
        case .succeeded(let success): try succeed(success, on: stream)
        case .failed(let failure): try fail(failure, on: stream)
        case .disconnect(let reason): throw StreamError(.policyViolation, reason)
        case .ignored: break
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func write(on stream: StreamHandler, _ body: (inout XMLWriter) -> Void) {
        stream.output { buffer in
            var writer = XMLWriter(into: buffer)
            buffer = ByteBuffer()
            body(&writer)
            buffer = writer.buffer
        }
    }

    /// XEP-0388 §2.6.2
    private func fail(_ failure: SASLFailure, on stream: StreamHandler) throws(StreamError) {
        stream.loginFailed(failure)
        stream[Self.wish] = nil
        write(on: stream) { writer in
            writer.element("failure", in: .sasl2) { writer in
                writer.buffer.writeString("<\(failure.condition.rawValue) xmlns='\(Namespace.sasl)'/>")
            }
        }
        try stream.countFailures()
    }

    // MARK: Tasks

    private func store(
        _ keys: ScramKeys, _ hash: ScramHash.Name, _ username: String, _ ticket: SASLTicket, on stream: StreamHandler
    ) {
        stream.ask { domain in
            await domain.add(keys, for: hash, user: username)
        } then: { (stream, failure) throws(StreamError) in
            try goOn(stream) { $0.keysStored(failure ?? nil, ticket) }
        }
    }

    // MARK: Asking the domain's accounts

    private func lookUpKeys(
        _ username: String, _ hash: ScramHash.Name, _ ticket: SASLTicket, on stream: StreamHandler
    ) {
        let wantsToken = stream[Self.wish]?.request.wantedToken != nil
        stream.ask(about: username) { domain in
            let revision = wantsToken ? await domain.passwordRevision(of: username) : nil
            return (await domain.scramKeys(user: username, hash: hash), revision)
        } then: { (stream, answer) throws(StreamError) in
            stream[Self.wish]?.passwordRevision = answer?.1
            try goOn(stream) { $0.keysFound(answer?.0 ?? .failed(StreamHandler.throttled), ticket) }
        }
    }

    private func check(_ username: String, _ password: String, _ ticket: SASLTicket, on stream: StreamHandler) {
        let wantsToken = stream[Self.wish]?.request.wantedToken != nil
        stream.ask(about: username) { domain in
            let revision = wantsToken ? await domain.passwordRevision(of: username) : nil
            return (await domain.check(password: password, user: username), revision)
        } then: { (stream, answer) throws(StreamError) in
            stream[Self.wish]?.passwordRevision = answer?.1
            try goOn(stream) { $0.passwordChecked(answer?.0 ?? .throttled, ticket) }
        }
    }

    /// XEP-0484 §3.4
    private func check(
        _ message: HashedTokenMessage, _ mechanism: HashedTokenMechanism, _ ticket: SASLTicket, on stream: StreamHandler
    ) {
        guard let request = stream[Self.wish]?.request, let device = request.userAgent?.id, let fast = request.fast else {
            return
        }
        let data = mechanism.channelBindingType.map { type in
            stream.channelBindings.first { $0.type == type }?.data ?? []
        }
        let use = DeviceTokens.Use(
            device: device, mechanism: mechanism.name, proof: message.proof,
            initiator: HashedTokenMessage.initiator(data ?? []), responder: HashedTokenMessage.responder(data ?? []),
            count: fast.count, invalidates: fast.invalidates)
        let now = Int(stream.kernel.clock.date.milliseconds)
        stream.ask(about: message.username) { domain in
            await domain.use(use, user: message.username, now: now)
        } then: { (stream, outcome) throws(StreamError) in
            stream[Self.wish]?.passwordRevision = outcome?.passwordRevision
            try goOn(stream) { $0.tokenChecked(outcome?.verdict ?? .refused(.throttled), ticket) }
        }
    }

    // MARK: Success

    private func succeed(_ success: SASL2Success, on stream: StreamHandler) throws(StreamError) {
        guard let wish = stream[Self.wish], let domain = stream.machine.domain,
            let account = try? JID(local: success.username, of: domain)
        else { return try fail(SASLFailure(.notAuthorized, "the name is no localpart"), on: stream) }
        // RFC 6120 §6.4.6
        if let claimed = stream.claimed, claimed != account {
            stream.endAttempt(.undecided)
            throw StreamError(.invalidFrom, "the stream was opened in the name of somebody else")
        }
        stream.endAttempt(.succeeded)
        stream[Self.wish] = nil
        stream.authenticated = account
        stream.device = wish.request.userAgent?.id
        stream.log(.info, "A client has logged in.", [LogKeys.mechanism: "\(success.mechanism)"])
        InlineNegotiation(
            success: success, account: account, request: wish.request, element: wish.element,
            passwordRevision: wish.passwordRevision
        ).begin(on: stream)
    }
}

extension SASLFailure {
    static let throttled = SASLFailure(.temporaryAuthFailure, StreamHandler.throttled)
}
