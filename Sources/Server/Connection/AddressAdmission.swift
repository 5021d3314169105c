internal import NIOCore
internal import Synchronization

/// Counts the connections of each address, and how often it has tried lately, and refuses more than allowed
/// (RFC 6120 §13.12). Used from every event loop.
package final class AddressAdmission: Sendable {
    private struct State {
        var counts: [IPAddress: Int] = [:]
        /// Connections tried since the beginning of the minute at hand, those refused included.
        var attempts: [IPAddress: Int] = [:]
        var minuteEnds = NIODeadline.uptimeNanoseconds(0)
        var limit: Int
        var attemptLimit: Int
        var exempt: AddressSet
    }

    /// A connection that was let in and is to be given back once.
    struct Admission: Sendable {
        fileprivate let address: IPAddress?
        fileprivate let admissions: AddressAdmission

        func end() { admissions.release(address) }
    }

    private let state: Mutex<State>

    init(_ configuration: Configuration) {
        state = Mutex(
            State(
                limit: configuration[LimitSettings.connectionsPerAddress],
                attemptLimit: configuration[LimitSettings.connectionsPerMinute],
                exempt: configuration[LimitSettings.exempt]))
    }

    func reload(_ configuration: Configuration) {
        state.withLock {
            $0.limit = configuration[LimitSettings.connectionsPerAddress]
            $0.attemptLimit = configuration[LimitSettings.connectionsPerMinute]
            $0.exempt = configuration[LimitSettings.exempt]
        }
    }

    /// Lets a connection in, or returns nil.
    func admit(_ address: IPAddress?, now: NIODeadline = .now()) -> Admission? {
        guard let address else { return Admission(address: nil, admissions: self) }
        enum Answer { case exempt, counted, refused }
        let answer: Answer = state.withLock { state in
            if state.exempt.contains(address) { return .exempt }
            if now >= state.minuteEnds {
                state.attempts = [:]
                state.minuteEnds = now + .minutes(1)
            }
            state.attempts[address, default: 0] += 1
            guard state.attempts[address, default: 0] <= state.attemptLimit else { return .refused }
            guard state.counts[address, default: 0] < state.limit else { return .refused }
            state.counts[address, default: 0] += 1
            return .counted
        }
        switch answer {
        case .exempt: return Admission(address: nil, admissions: self)
        case .counted: return Admission(address: address, admissions: self)
        case .refused: return nil
        }
    }

    private func release(_ address: IPAddress?) {
        guard let address else { return }
        state.withLock { state in
            guard let count = state.counts[address] else { return }
            state.counts[address] = count > 1 ? count - 1 : nil
        }
    }
}
