internal import Logging
internal import NIOCore
internal import XMPP

extension Registry {
    /// Answers an IQ that is addressed to the server or to an account (RFC 6120 §8.2.3, RFC 6121 §8.5.1).
    /// - Throws: the refusal, to be answered by the caller.
    func answer(_ stanza: Stanza, on loop: LoopContext, session: Session?) throws(StanzaError) {
        guard stanza.type == .get || stanza.type == .set else { return loop.kernel.questions.answered(stanza) }
        guard let to = stanza.to, let from = stanza.from, let payload = loop.element(of: stanza)?.firstChild else {
            throw StanzaError(.badRequest)
        }
        let asked = loop.kernel.asked(by: to)
        guard let handler = handler(stanza.type, payload, on: asked) else {
            throw StanzaError(.serviceUnavailable)
        }
        let request = IQRequest(
            from: from, to: to, type: stanza.type, payload: payload, asked: asked,
            account: asked == .account ? loop.kernel.accounts[to.bare] : nil)
        switch handler {
        case .inline(let body):
            var writer = XMLWriter()
            try body(request, loop, session, &writer)
            send(result(of: stanza, writer.buffer), on: loop, session)
        case .ordered(let body):
            let resume = session?.pause() ?? loop.speaker?.pause()
            answerLater(stanza, request, on: loop, session, answered: { _ in resume?() }, body)
        case .concurrent(let body):
            answerLater(stanza, request, on: loop, session, answered: loop.speaker?.beginAnswer(), body)
        }
    }

    private func answerLater(
        _ stanza: Stanza, _ request: IQRequest, on loop: LoopContext, _ session: Session?,
        answered: (@Sendable (LoopContext) -> Void)?,
        _ body: @escaping @Sendable (IQRequest) async throws(StanzaError) -> ByteBuffer?
    ) {
        let reference = loop.kernel.loops[loop.index]
        let id = session?.handle.id
        reference.task {
            let answer: Result<ByteBuffer?, StanzaError>
            do throws(StanzaError) {
                answer = .success(try await body(request))
            } catch {
                answer = .failure(error)
            }
            reference.execute { context in
                defer { answered?(context) }
                let session = id.flatMap { context.sessions[$0] }
                switch answer {
                case .success(let content): self.send(self.result(of: stanza, content), on: context, session)
                case .failure(let error):
                    if let session {
                        session.refuse(stanza, error)
                    } else {
                        context.kernel.router.bounce(stanza, error, on: context)
                    }
                }
                guard let session, session.account.withState({ $0.isRemoved }) else { return }
                session.close(.accountRemoved)
            }
        }
    }

    /// The answer: a result with the request's id, and the addresses exchanged.
    private func result(of request: Stanza, _ content: ByteBuffer?) -> Stanza {
        var result = Stanza(.iq, type: .result, from: request.to, to: request.from, id: request.identifier)
        result.content = content
        return result
    }

    private func send(_ result: Stanza, on loop: LoopContext, _ session: Session?) {
        if let session {
            session.send(result)
        } else {
            _ = try? loop.kernel.router.route(result, on: loop)
        }
    }
}
