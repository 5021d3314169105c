internal import Synchronization

/// The sessions that may be resumed, by the identifiers that their clients show (XEP-0198 §5). Used from every loop.
final class Resumptions: Sendable {
    private let sessions = Mutex<[String: SessionHandle]>([:])

    subscript(id: String) -> SessionHandle? {
        get { sessions.withLock { $0[id] } }
        set { sessions.withLock { $0[id] = newValue } }
    }
}
