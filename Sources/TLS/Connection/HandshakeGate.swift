/// A limit on the handshakes that one event loop computes at a stretch, so that a storm of them delays no messages.

package import NIOCore

/// A step of a handshake costs as much as fifty routed messages. Those past the limit wait in order of arrival; before
/// the next ones the loop serves its other connections. A place is taken while the loop computes, not while a peer
/// thinks: silent peers keep nobody waiting.
///
/// Belongs to one event loop, whose handlers share it.
package final class HandshakeGate {
    /// Time for the loop to look at its sockets: tasks that are due at once would run before it does.
    static let pause = TimeAmount.microseconds(200)

    /// How many steps are computed between two pauses.
    package let limit: Int
    /// How many handlers wait now.
    package var waiting: Int { queue.count - head }

    private let eventLoop: any EventLoop
    private var queue: [TLSHandler] = []
    private var head = 0
    private var steps = 0

    package init(eventLoop: any EventLoop, limit: Int = 16) {
        self.eventLoop = eventLoop
        self.limit = max(1, limit)
    }

    /// Whether `handler` may compute now. If not it waits, and its `passGate` is called later.
    func admit(_ handler: TLSHandler) -> Bool {
        if steps == 0, waiting == 0 { scheduleTurn() }
        guard steps < limit, waiting == 0 else {
            queue.append(handler)
            return false
        }
        steps += 1
        return true
    }

    private func scheduleTurn() {
        eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.turn() }
    }

    private func turn() {
        steps = 0
        while steps < limit, head < queue.count {
            let handler = queue[head]
            head += 1
            if handler.passGate() { steps += 1 }
        }
        if head == queue.count {
            queue = []
            head = 0
        } else if head > 256, head * 2 > queue.count {
            queue.removeSubrange(..<head)
            head = 0
        }
        if steps > 0 || waiting > 0 { scheduleTurn() }
    }
}

@available(*, unavailable)
extension HandshakeGate: Sendable {}
