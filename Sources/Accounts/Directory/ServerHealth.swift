/// Whether a server is in the rotation.
struct ServerHealth: Sendable {
    private enum State: Sendable {
        case inUse
        case out(reason: String, probes: Int)
    }

    private var state = State.inUse

    /// Why the server is out of use; nil while it is in use.
    var outage: String? {
        switch state {
        case .inUse: nil
        case .out(let reason, _): reason
        }
    }

    /// - Returns: true when the server was in use until now.
    mutating func failed(_ reason: String) -> Bool {
        switch state {
        case .inUse:
            state = .out(reason: reason, probes: 0)
            return true
        case .out(_, let probes):
            state = .out(reason: reason, probes: probes)
            return false
        }
    }

    mutating func answered() {
        state = .inUse
    }

    /// How long to wait before the next probe: soon at first, since most outages are a hiccup. nil when none is needed.
    mutating func nextProbe() -> Duration? {
        switch state {
        case .inUse:
            return nil
        case .out(let reason, let probes):
            state = .out(reason: reason, probes: probes + 1)
            return min(.milliseconds(100) * (1 << min(probes, 10)), .seconds(5))
        }
    }
}
