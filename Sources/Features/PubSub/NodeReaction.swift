internal import NIOCore
internal import Server
internal import XMPP

/// What has happened in a transaction.
final class NodeChanges {
    /// The nodes whose items have changed.
    var nodes: Set<String> = []
    var afterwards: [@Sendable () -> Void] = []
}

/// Something that the server does itself when certain nodes of an account change, in the same transaction.
protocol NodeReaction: Sendable {
    var nodes: Set<String> { get }

    /// - Parameter changed: which of `nodes` have changed.
    func react(to changed: Set<String>, _ store: NodeStore) throws -> [Announcement]
}

extension NodeStore {
    private static let reactions: [any NodeReaction] = [BookmarkUnification(), AvatarConversion()]

    /// Lets the server react to what has changed. What that changes is not reacted to.
    func react() throws -> [Announcement] {
        guard host.isPersonal, !changes.nodes.isEmpty else { return [] }
        let changed = changes.nodes
        return try Self.reactions.flatMap { reaction in
            let concerned = reaction.nodes.intersection(changed)
            return concerned.isEmpty ? [] : try reaction.react(to: concerned, self)
        }
    }

    /// A payload, or anything else that is kept as text, as an element; nil if it is none any more.
    static func element(_ text: String) -> Element? {
        let limits = XMLLimits(bytes: text.utf8.count, unknownNames: 10_000)
        return try? StanzaParser().parse(ByteBuffer(string: text), limits: limits)
    }
}
