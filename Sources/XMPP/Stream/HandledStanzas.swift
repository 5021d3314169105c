package import NIOCore

/// Counts the stanzas that were received on a managed stream, and tells how many of them are handled (XEP-0198 §4).
///
/// A stanza is handled when it is received, unless somebody withholds that until what it has led to is on disk. The
/// answer to a request for acknowledgement waits for it, and never says less than what was received before the request.
package struct HandledStanzas: Sendable {
    /// Names a stanza that is withheld.
    package struct Ticket: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    private struct Withheld {
        let number: UInt64
        /// How many have withheld it.
        var holders: Int
    }

    /// How many were received since the start.
    package private(set) var received: UInt64
    /// In order of their numbers.
    private var withheld = CircularBuffer<Withheld>(initialCapacity: 0)
    /// How many stanzas had been received at each request that waits for its answer.
    private var requests = CircularBuffer<UInt64>(initialCapacity: 0)

    package init(received: UInt64 = 0) {
        self.received = received
    }

    /// A stanza is being received.
    package mutating func receive() { received += 1 }

    /// The stanza received last is not handled until its ticket is given back.
    package mutating func withhold() -> Ticket {
        if let last = withheld.last, last.number == received {
            withheld[withheld.index(before: withheld.endIndex)].holders += 1
        } else {
            withheld.append(Withheld(number: received, holders: 1))
        }
        return Ticket(number: received)
    }

    /// A stanza is handled now.
    /// - Returns: the counts to be answered to requests that have waited for it, in the order of the requests.
    package mutating func release(_ ticket: Ticket) -> [UInt32] {
        var low = withheld.startIndex
        var high = withheld.endIndex
        while low < high {
            let middle = withheld.index(low, offsetBy: withheld.distance(from: low, to: high) / 2)
            if withheld[middle].number < ticket.number { low = withheld.index(after: middle) } else { high = middle }
        }
        guard low < withheld.endIndex, withheld[low].number == ticket.number else { return [] }
        withheld[low].holders -= 1
        while let first = withheld.first, first.holders == 0 { withheld.removeFirst() }
        var answers: [UInt32] = []
        while let request = requests.first, isHandled(request) {
            answers.append(UInt32(truncatingIfNeeded: request))
            requests.removeFirst()
        }
        return answers
    }

    /// The peer asks how many are handled.
    /// - Returns: the answer, or nil if it has to wait for `release`.
    package mutating func request() -> UInt32? {
        if requests.isEmpty, isHandled(received) { return UInt32(truncatingIfNeeded: received) }
        requests.append(received)
        return nil
    }

    private func isHandled(_ number: UInt64) -> Bool {
        withheld.first.map { $0.number > number } ?? true
    }
}
