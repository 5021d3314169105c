internal import NIOCore
internal import Synchronization
package import XMPP

/// The server's own requests that wait for their answers (RFC 6120 §8.2.3).
final class Questions: Sendable {
    /// More wait only for peers that do not answer.
    private static let limit = 10_000

    private struct Question {
        let asked: JID
        let completion: @Sendable (Element?) -> Void
    }

    private let waiting = Mutex<[String: Question]>([:])

    /// Returns false if too many questions wait already.
    fileprivate func add(_ id: String, to asked: JID, _ completion: @escaping @Sendable (Element?) -> Void) -> Bool {
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
        question?.completion(stanza.type == .result ? stanza.element?.firstChild : nil)
    }

    fileprivate func forget(_ id: String) {
        waiting.withLock { $0.removeValue(forKey: id) }?.completion(nil)
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
        let id = StreamHandler.randomID()
        guard questions.add(id, to: asked, completion) else { return completion(nil) }
        send(Stanza(.iq, type: .get, from: from, to: asked, id: id, content: content), on: loop)
        loop.eventLoop.scheduleTask(in: .seconds(30)) { [questions] in questions.forget(id) }
    }
}
