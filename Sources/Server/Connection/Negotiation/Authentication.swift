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
    /// The attempt at hand, as the throttle knows it.
    private static let attempt = StreamSlot<LoginAttempt?> { nil }

    // MARK: Offer

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        let offer = offer(on: stream)
        writer.element("mechanisms", in: .sasl) { writer in
            for mechanism in offer.mechanisms { writer.element("mechanism", text: mechanism.name) }
        }
        guard offer.offersChannelBinding else { return }
        writer.element("sasl-channel-binding", in: .channelBinding) { writer in
            for type in offer.channelBindingTypes { writer.element("channel-binding", ["type": type.rawValue]) }
        }
    }

    private func offer(on stream: StreamHandler) -> SASLOffer {
        let domain = stream.machine.domain.flatMap { stream.kernel.domain($0) }
        return SASLOffer(
            SASLOffer.Facts(
                hasTLS: stream.facts.contains(.encrypted),
                allowsPlainWithoutTLS: stream.facts.contains(.secure) && !stream.facts.contains(.encrypted),
                channelBindingTypes: tls(of: stream)?.channelBindingTypes ?? [],
                scramHashes: domain?.isLocal == true ? Set(ScramHash.Name.allCases) : [],
                checksPasswords: true))
    }

    /// XEP-0440: what binds the exchange to the TLS connection. Costs more than the rest of a log-in of ours.
    private func channelBindings(of stream: StreamHandler) -> [ChannelBinding] {
        guard let tls = tls(of: stream) else { return [] }
        return [
            tls.exporterChannelBinding.map { ChannelBinding(.tlsExporter, data: $0) },
            tls.serverEndPoint.map { ChannelBinding(.tlsServerEndPoint, data: $0) },
        ].compactMap { $0 }
    }

    private func tls(of stream: StreamHandler) -> TLSHandler? {
        stream.facts.contains(.encrypted) ? stream.handlerBelow(TLSHandler.self) : nil
    }

    // MARK: Handshake

    func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        var exchange = stream[Self.exchange] ?? begin(on: stream)
        let action: SASLExchange.Action
        if element.isNamed("auth") {
            let text = Array(element.text.utf8)
            let mechanism = element["mechanism"] ?? ""
            if mechanism.hasSuffix("-PLUS") { exchange.learn(channelBindings(of: stream)) }
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

    private func begin(on stream: StreamHandler) -> SASLExchange {
        let offer = offer(on: stream)
        let domain = stream.machine.domain
        return SASLExchange(
            SASLContext(
                offer: offer, advertisement: offer.advertisement(), hashes: Self.hashes,
                decoy: Self.decoy,
                isOwnIdentity: { authzid, username in
                    guard let domain, let own = try? JID(local: username, of: domain) else {
                        return false
                    }
                    return (try? JID(authzid)) == own
                }))
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
            stream[Self.attempt]?.end(.undecided)
            stream[Self.attempt] = nil
            throw StreamError(.invalidFrom, "the stream was opened in the name of somebody else")
        }
        stream[Self.attempt]?.end(.succeeded)
        stream[Self.attempt] = nil
        stream.authenticated = account
        stream.log(.info, "A client has logged in.", [LogKeys.mechanism: "\(success.mechanism.name)"])
        reply("success", success.additionalData, on: stream)
        stream.negotiated(.authenticated, restarts: true)
    }

    private func fail(_ failure: SASLFailure, on stream: StreamHandler) throws(StreamError) {
        stream[Self.attempt]?.end(failure.condition == .notAuthorized ? .failed : .undecided)
        stream[Self.attempt] = nil
        stream.log(
            .info, "A log-in has failed.",
            [
                LogKeys.reason: "\(failure.debugDescription)",
                LogKeys.address: "\(stream.address.map(\.description) ?? "unknown")",
            ])
        stream.output { buffer in
            var writer = XMLWriter(into: buffer)
            buffer = ByteBuffer()
            writer.element("failure", in: .sasl) { $0.raw(ByteBuffer(string: "<\(failure.condition.rawValue)/>")) }
            buffer = writer.buffer
        }
        // RFC 6120 §6.4.5
        if let failures = stream[Self.exchange]?.failures, failures >= stream.kernel.limits.loginAttempts {
            throw StreamError(.policyViolation, "too many failed log-ins")
        }
    }

    // MARK: Asking the domain's accounts

    private func lookUpKeys(
        _ username: String, _ hash: ScramHash.Name, _ ticket: SASLTicket, on stream: StreamHandler
    ) {
        ask(stream, about: username) { domain in
            await domain.scramKeys(user: username, hash: hash)
        } then: { exchange, lookup in
            exchange.keysFound(lookup ?? .failed(Self.throttled), ticket)
        }
    }

    private func check(_ username: String, _ password: String, _ ticket: SASLTicket, on stream: StreamHandler) {
        ask(stream, about: username) { domain in
            await domain.check(password: password, user: username)
        } then: { exchange, verdict in
            exchange.passwordChecked(verdict ?? .refused(SASLFailure(.temporaryAuthFailure, Self.throttled)), ticket)
        }
    }

    private static let throttled = "too many log-ins have failed lately"

    /// Asks something that has to be waited for; the stream reads nothing meanwhile.
    /// - Parameter then: is given nil where the throttle did not let the question pass.
    private func ask<Answer: Sendable>(
        _ stream: StreamHandler, about username: String, _ question: @escaping @Sendable (Domain) async -> Answer,
        then: @escaping @Sendable (inout SASLExchange, Answer?) -> SASLExchange.Action
    ) {
        guard let domain = stream.machine.domain.flatMap({ stream.kernel.domain($0) }) else { return }
        let (decision, attempt) = stream.kernel.throttle.begin(domain.account(username), from: stream.address)
        stream[Self.attempt] = attempt
        let resume = stream.pause()
        let bound = NIOLoopBound(stream, eventLoop: stream.loop.eventLoop)
        let reference = stream.kernel.loops[stream.loop.index]
        let answer: @Sendable (Answer?) -> Void = { answer in
            reference.execute { _ in
                let stream = bound.value
                guard !stream.machine.isClosing, var exchange = stream[Self.exchange] else { return resume() }
                let action = then(&exchange, answer)
                stream[Self.exchange] = exchange
                do throws(StreamError) { try self.carryOut(action, on: stream) } catch { stream.close(error) }
                resume()
            }
        }
        let ask: @Sendable () -> Void = {
            // A directory's client is a library that reads files when it likes.
            if domain.isLocal {
                reference.task { answer(await question(domain)) }
            } else {
                Task { answer(await question(domain)) }
            }
        }
        switch decision {
        case .refuse: answer(nil)
        case .proceed(after: .zero): ask()
        case .proceed(let delay): stream.loop.eventLoop.scheduleTask(in: TimeAmount(delay), ask)
        }
    }

    /// Of no use here: for accounts that do not exist, the domain's credentials have keys as well.
    private static let decoy = ScramDecoy(secret: randomBytes(32), iterations: 4_096)

    /// The hash functions of SCRAM, by OpenSSL.
    private static let hashes: [ScramHash] = ScramHash.Name.allCases.map { name in
        let hash = Hash(name)
        return ScramHash(name, digest: { hash.digest($0) }, hmac: { hash.hmac(key: $0, $1) })
    }
}

extension TLSHandler {
    /// The channel bindings that the connection has data for; asked for on every log-in, the data only on some.
    fileprivate var channelBindingTypes: [ChannelBindingType] {
        (isExportable ? [.tlsExporter] : []) + (serverEndPoint == nil ? [] : [.tlsServerEndPoint])
    }
}

extension Hash {
    init(_ name: ScramHash.Name) {
        switch name {
        case .sha1: self = .sha1
        case .sha256: self = .sha256
        case .sha512: self = .sha512
        }
    }
}

extension Namespace {
    /// RFC 6120 §6
    package static let sasl: Namespace = "urn:ietf:params:xml:ns:xmpp-sasl"
    /// XEP-0440
    package static let channelBinding: Namespace = "urn:xmpp:sasl-cb:0"
}
