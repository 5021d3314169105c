internal import Accounts
internal import Logging
internal import NIOCore
internal import TLS
package import XMPP

/// The client proves who it is by SASL (RFC 6120 §6).
struct Authentication: StreamFeature {
    let rule = StreamFeatureRule(
        requires: .secure, excludes: .authenticated,
        elements: [("auth", .sasl), ("response", .sasl), ("abort", .sasl)])

    /// The handshakes of a stream, from the first one on.
    private static let exchange = StreamSlot<SASLExchange?> { nil }

    // MARK: Offer

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        writer.raw(stream.authenticationOffer.mechanisms)
    }

    // MARK: Handshake

    func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        var exchange = stream[Self.exchange] ?? SASLExchange(SASLContext(stream))
        let action: SASLExchange.Action
        if element.isNamed("auth") {
            let text = Array(element.text.utf8)
            let mechanism = element["mechanism"] ?? ""
            if mechanism.hasSuffix("-PLUS") { exchange.learn(stream.channelBindings) }
            action = exchange.auth(
                mechanism: mechanism, initialResponse: text.isEmpty ? nil : text,
                nonce: ScramNonce(random: randomBytes(18)))
        } else if element.isNamed("response") {
            action = exchange.response(Array(element.text.utf8))
        } else {
            action = exchange.abort()
        }
        stream[Self.exchange] = exchange
        try carryOut(action, on: stream)
    }

    private func carryOut(_ action: SASLExchange.Action, on stream: StreamHandler) throws(StreamError) {
        switch action {
        case .challenge(let text): reply("challenge", text, on: stream)
        case .lookUpKeys(let username, let hash, let ticket): lookUpKeys(username, hash, ticket, on: stream)
        case .checkPassword(let username, let password, let ticket): check(username, password, ticket, on: stream)
        case .succeeded(let success): try succeed(success, on: stream)
        case .failed(let failure): try fail(failure, on: stream)
        case .ignored: break
        }
    }

    private func reply(_ name: StaticString, _ text: [UInt8]?, on stream: StreamHandler) {
        stream.output { buffer in
            var writer = XMLWriter(into: buffer)
            buffer = ByteBuffer()
            writer.element(name, in: .sasl) { writer in
                if let text { writer.text(String(decoding: text, as: UTF8.self)) }
            }
            buffer = writer.buffer
        }
    }

    private func succeed(_ success: SASLSuccess, on stream: StreamHandler) throws(StreamError) {
        guard let domain = stream.machine.domain,
            let account = try? JID(local: success.username, of: domain)
        else { return try fail(SASLFailure(.notAuthorized, "the name is no localpart"), on: stream) }
        // §6.4.6: who says in the stream's header to be another than is proved here is a mistake, or worse.
        if let claimed = stream.claimed, claimed != account {
            stream.endAttempt(.undecided)
            throw StreamError(.invalidFrom, "the stream was opened in the name of somebody else")
        }
        stream.endAttempt(.succeeded)
        stream.authenticated = account
        stream.log(.info, "A client has logged in.", [LogKeys.mechanism: "\(success.mechanism.name)"])
        reply("success", success.additionalData, on: stream)
        stream.negotiated(.authenticated, restarts: true)
    }

    private func fail(_ failure: SASLFailure, on stream: StreamHandler) throws(StreamError) {
        stream.loginFailed(failure)
        stream.output { buffer in
            var writer = XMLWriter(into: buffer)
            buffer = ByteBuffer()
            writer.element("failure", in: .sasl) { $0.raw(ByteBuffer(string: "<\(failure.condition.rawValue)/>")) }
            buffer = writer.buffer
        }
        try stream.countFailures()
    }

    // MARK: Asking the domain's accounts

    private func lookUpKeys(
        _ username: String, _ hash: ScramHash.Name, _ ticket: SASLTicket, on stream: StreamHandler
    ) {
        stream.ask(about: username) { domain in
            await domain.scramKeys(user: username, hash: hash)
        } then: { (stream, lookup) throws(StreamError) in
            try goOn(stream) { $0.keysFound(lookup ?? .failed(StreamHandler.throttled), ticket) }
        }
    }

    private func check(_ username: String, _ password: String, _ ticket: SASLTicket, on stream: StreamHandler) {
        stream.ask(about: username) { domain in
            await domain.check(password: password, user: username)
        } then: { (stream, verdict) throws(StreamError) in
            try goOn(stream) { $0.passwordChecked(verdict ?? .throttled, ticket) }
        }
    }

    private func goOn(
        _ stream: StreamHandler, _ event: (inout SASLExchange) -> SASLExchange.Action
    ) throws(StreamError) {
        guard var exchange = stream[Self.exchange] else { return }
        let action = event(&exchange)
        stream[Self.exchange] = exchange
        try carryOut(action, on: stream)
    }

    /// How many log-ins with RFC 6120's profile have failed on a stream.
    static func failures(on stream: StreamHandler) -> Int { stream[exchange]?.failures ?? 0 }
}

extension StreamHandler {
    /// Tells the log and the throttle.
    func loginFailed(_ failure: SASLFailure) {
        endAttempt(failure.condition == .notAuthorized ? .failed : .undecided)
        log(
            .info, "A log-in has failed.",
            [
                LogKeys.reason: "\(failure.debugDescription)",
                LogKeys.address: "\(address.map(\.description) ?? "unknown")",
            ])
    }

    /// RFC 6120 §6.4.5
    func countFailures() throws(StreamError) {
        guard Authentication.failures(on: self) + ExtensibleSASL.failures(on: self) < kernel.limits.loginAttempts else {
            throw StreamError(.policyViolation, "too many failed log-ins")
        }
    }
}

extension PasswordVerdict {
    static let throttled = PasswordVerdict.refused(SASLFailure(.temporaryAuthFailure, StreamHandler.throttled))
}

extension Namespace {
    /// RFC 6120 §6
    package static let sasl: Namespace = "urn:ietf:params:xml:ns:xmpp-sasl"
    /// XEP-0440
    package static let channelBinding: Namespace = "urn:xmpp:sasl-cb:0"
}
