internal import NIOCore
internal import Synchronization
package import XMPP

/// How a request of the server's own was answered (RFC 6120 §8.2.3).
package enum IQAnswer: Sendable {
    /// With the content of the result.
    case result(Element?)
    case refused(Refusal)
    /// Half a minute has passed, or too many requests wait already.
    case silence

    /// What matters of a stanza error.
    package struct Refusal: Sendable {
        /// The `type` of the error; nil if it has none that is known.
        package let kind: StanzaError.Kind?
        /// The name of the condition's element.
        package let condition: String

        package init(kind: StanzaError.Kind?, condition: String) {
            self.kind = kind
            self.condition = condition
        }
    }
}

/// The server's own requests that wait for their answers (RFC 6120 §8.2.3).
final class Questions: Sendable {
    /// More wait only for peers that do not answer.
    private static let limit = 10_000

    private struct Question {
        let asked: JID
        let completion: @Sendable (IQAnswer) -> Void
    }

    private let waiting = Mutex<[String: Question]>([:])

    /// Returns false if too many questions wait already.
    fileprivate func add(_ id: String, to asked: JID, _ completion: @escaping @Sendable (IQAnswer) -> Void) -> Bool {
        waiting.withLock { waiting in
            guard waiting.count < Self.limit else { return false }
            waiting[id] = Question(asked: asked, completion: completion)
            return true
        }
    }

    /// An answer, which counts only if it comes from whom was asked.
    func answered(_ stanza: Stanza) {
        guard let id = stanza.identifier, let from = stanza.from else { return }
        let question = waiting.withLock { waiting in
            waiting[id]?.asked == from ? waiting.removeValue(forKey: id) : nil
        }
        question?.completion(IQAnswer(stanza))
    }

    fileprivate func end(_ id: String, _ answer: IQAnswer) {
        waiting.withLock { $0.removeValue(forKey: id) }?.completion(answer)
    }
}

extension IQAnswer {
    fileprivate init(_ stanza: Stanza) {
        guard stanza.type == .error else {
            self = .result(stanza.element?.firstChild)
            return
        }
        let error = stanza.element?.child("error")
        let condition = error?.children.first { $0.isIn(.stanzaErrors) && !$0.isNamed("text") }
        self = .refused(
            Refusal(kind: error?["type"].flatMap(StanzaError.Kind.init), condition: condition?.name ?? "undefined-condition"))
    }
}

extension Kernel {
    /// Asks an entity something on behalf of the server.
    /// - Parameters:
    ///   - from: a served domain.
    ///   - completion: is called once, on any loop, with the content of the result; with nil after an error, or after
    ///     half a minute without an answer.
    package func ask(
        _ asked: JID, from: JID, on loop: LoopContext, _ content: @escaping (inout XMLWriter) -> Void,
        completion: @escaping @Sendable (Element?) -> Void
    ) {
        request(.get, asked, from: from, on: loop, content) { answer in
            if case .result(let element) = answer { completion(element) } else { completion(nil) }
        }
    }

    /// Sends a request on behalf of the server.
    /// - Parameters:
    ///   - type: `.get` or `.set`.
    ///   - from: a served domain.
    ///   - completion: is called once, on any loop; also at once, if the request cannot be sent.
    package func request(
        _ type: StanzaType, _ asked: JID, from: JID, on loop: LoopContext, _ content: @escaping (inout XMLWriter) -> Void,
        completion: @escaping @Sendable (IQAnswer) -> Void
    ) {
        let id = StreamHandler.randomID()
        guard questions.add(id, to: asked, completion) else { return completion(.silence) }
        let stanza = Stanza(.iq, type: type, from: from, to: asked, id: id, content: content)
        do throws(StanzaError) {
            if case .needs = try router.route(stanza, on: loop) { send(stanza, on: loop) }
        } catch {
            let refusal = IQAnswer.Refusal(kind: error.kind, condition: error.condition.description)
            return questions.end(id, .refused(refusal))
        }
        loop.eventLoop.scheduleTask(in: .seconds(30)) { [questions] in questions.end(id, .silence) }
    }
}
