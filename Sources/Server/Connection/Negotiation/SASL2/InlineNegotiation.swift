internal import Accounts
internal import NIOCore
internal import XMPP

/// What is done when a client has authenticated, before it is told so: a token, the resumption of its session, or a new
/// session (XEP-0388 §2.6.1, XEP-0484 §3.3, XEP-0198 §9, XEP-0386 §3.2).
///
/// The stream reads nothing meanwhile.
struct InlineNegotiation: Sendable {
    let success: SASL2Success
    let account: JID
    let request: SASL2Request
    /// `<authenticate/>`
    let element: Element
    let passwordRevision: Int?

    /// What the answer tells besides.
    private struct Results: Sendable {
        var token: DeviceTokens.Token?
        /// Why the session could not be resumed.
        var refusal: StanzaError?
    }

    func begin(on stream: StreamHandler) {
        let resume = stream.pause()
        guard let mechanism = dueToken(on: stream), let device = stream.device else {
            return restore(Results(), on: stream, resume)
        }
        let now = Int(stream.kernel.clock.date.milliseconds)
        stream.ask { domain in
            await domain.issueToken(
                for: account, device: device, mechanism: mechanism.name, passwordRevision: passwordRevision, now: now)
        } then: { stream, token in
            restore(Results(token: token ?? nil), on: stream, resume)
        }
    }

    /// The mechanism that the client is given a token for; nil if it is given none.
    private func dueToken(on stream: StreamHandler) -> HashedTokenMechanism? {
        let offered = stream.authenticationOffer.tokenMechanisms
        if let wanted = request.wantedToken { return offered.contains(wanted) ? wanted : nil }
        // §3.5, §3.6: in the place of one that grows old, and not of one that the client ends.
        guard success.token?.isDue == true, request.fast?.invalidates == false else { return nil }
        return HashedTokenMechanism(rawValue: success.mechanism)
    }

    // MARK: The former session

    private func restore(_ results: Results, on stream: StreamHandler, _ resume: @escaping @Sendable () -> Void) {
        guard !stream.machine.isClosing else { return resume() }
        guard let wish = element.child("resume", in: .streamManagement) else {
            return bind(results, on: stream, resume)
        }
        StreamManagement().resume(wish, on: stream) { stream, session, resumed, buffer in
            var writer = XMLWriter(into: buffer)
            buffer = ByteBuffer()
            writeSuccess(session.jid, results, into: &writer) { $0.raw(resumed) }
            buffer = writer.buffer
            stream.negotiated(.authenticated)
            resume()
        } refused: { stream, error in
            var results = results
            results.refusal = error
            bind(results, on: stream, resume)
        }
    }

    // MARK: A new session

    private func bind(_ results: Results, on stream: StreamHandler, _ resume: @escaping @Sendable () -> Void) {
        guard !stream.machine.isClosing else { return resume() }
        stream.negotiated(.authenticated)
        guard let wish = element.child("bind", in: .bind2) else {
            stream.output { buffer in
                var writer = XMLWriter(into: buffer)
                buffer = ByteBuffer()
                writeSuccess(account, results, into: &writer)
                writer.raw(stream.featureList)
                buffer = writer.buffer
            }
            return resume()
        }
        // What is sent to the session from now on follows the answer.
        stream.holdOutput()
        let bound = NIOLoopBound(stream, eventLoop: stream.loop.eventLoop)
        Bind2(kernel: stream.kernel).bind(wish, account, device: stream.device, stream: bound) { jid, content in
            let stream = bound.value
            defer { resume() }
            guard !stream.machine.isClosing else { return }
            stream.sendHeldOutput { writer in
                writeSuccess(jid, results, into: &writer) { writer in
                    // Who could not be bound can try again, and is told why.
                    if let content { writer.element("bound", in: .bind2) { $0.raw(content) } }
                }
                writer.raw(stream.featureList)
            }
        }
    }

    // MARK: Writing

    /// XEP-0388 §2.6.1
    private func writeSuccess(
        _ jid: JID, _ results: Results, into writer: inout XMLWriter, _ content: (inout XMLWriter) -> Void = { _ in }
    ) {
        writer.element("success", in: .sasl2) { writer in
            writer.element(
                "additional-data", text: success.additionalData.map { String(decoding: $0, as: UTF8.self) })
            writer.element("authorization-identifier", text: jid.description)
            if let refusal = results.refusal { StreamManagement.write(refusal, into: &writer) }
            content(&writer)
            if let token = results.token {
                writer.element("token", in: .fast, ["expiry": DateTime(milliseconds: Int64(token.expiry)).description, "token": token.text])
            }
        }
    }
}
