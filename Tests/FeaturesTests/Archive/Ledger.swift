import Server
import Testing
import XMPP

/// What one sender has sent over several streams, and what the server has promised of it.
struct Ledger {
    let sender: String
    /// The bodies of the stream that is open.
    private var sent: [String] = []
    private var acknowledged = 0
    /// What was acknowledged and not refused, over all streams, in order.
    private(set) var promised: [String] = []
    private(set) var refused: Set<String> = []
    private var count = 0

    init(sender: String) { self.sender = sender }

    /// How much was promised on the stream that is open.
    var promisedLately: Int { sent.prefix(acknowledged).count { !refused.contains($0) } }

    var unacknowledged: Int { sent.count - acknowledged }

    /// The next message, whose id is its body.
    mutating func message(to receiver: String) -> String {
        let body = "\(sender) \(count)"
        count += 1
        sent.append(body)
        return "<message to='\(receiver)' type='chat' id='\(body)'><body>\(body)</body></message>"
    }

    mutating func read(_ received: [Received]) {
        for stanza in received {
            if stanza.element.isNamed("a") {
                acknowledged = max(acknowledged, stanza.element["h"].flatMap { Int($0) } ?? 0)
            } else if stanza.kind == "message", stanza.type == "error" {
                #expect(stanza.condition == "resource-constraint")
                refused.insert(stanza.id)
            }
        }
    }

    /// Nothing more comes over the stream.
    mutating func close() {
        promised += sent.prefix(acknowledged).filter { !refused.contains($0) }
        sent = []
        acknowledged = 0
    }

    /// Everything that was promised is there once, and nothing is before what was sent earlier.
    func check(_ archive: [String], of owner: String) {
        let own = archive.filter { $0.hasPrefix(sender + " ") }
        let numbers = own.compactMap { Int($0.dropFirst(sender.count + 1)) }
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "order in the archive of \(owner)")
        let kept = Set(own)
        #expect(promised.filter { !kept.contains($0) } == [], "the archive of \(owner)")
    }
}
