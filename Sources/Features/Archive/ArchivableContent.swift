internal import XMPP

/// Which messages are archived, by their content (XEP-0313 §6.1.1, XEP-0334 §4).
struct ArchivableContent {
    private enum Worth { case nothing, receipt, message }

    private var worth = Worth.nothing
    private var hints: Hints = []
    /// Whether the message takes another one back (XEP-0424).
    private(set) var isRetraction = false

    init(_ message: Element) {
        for child in message.children {
            hints.formUnion(Hints(child))
            if child.isNamed("body", in: .client) || Self.isMeaning(child) {
                worth = .message
            } else if child.isNamed("retract", in: .retraction) {
                worth = .message
                isRetraction = true
            } else if worth == .nothing, child.isNamed("received", in: .receipts) {
                worth = .receipt
            }
        }
    }

    /// What means something later, without a body.
    private static func isMeaning(_ child: Element) -> Bool {
        if child.isIn(.markers) { return !child.isNamed("markable") }
        if child.isNamed("x", in: .roomUser) { return child.child("invite") != nil || child.child("decline") != nil }
        return child.isNamed("reactions", in: .reactions) || child.isNamed("encryption", in: .encryptionName)
            || child.isNamed("x", in: .directInvitation)
            || child.isNamed("encrypted", in: .omemo) || child.isNamed("encrypted", in: .olderOMEMO)
    }

    /// Whether a room archives the message (XEP-0313 §6.1.2).
    /// - Parameter isSubject: whether it changes the subject: "as should subject change stanzas".
    func isArchivedInRooms(isSubject: Bool) -> Bool {
        guard !hints.contains(.noStore), !hints.contains(.noPermanentStore) else { return false }
        return worth == .message || isSubject || hints.contains(.store)
    }

    func isArchived(_ type: StanzaType, receipts: Bool) -> Bool {
        guard !hints.contains(.noStore), !hints.contains(.noPermanentStore) else { return false }
        switch type {
        case .normal, .chat: return worth == .message || (worth == .receipt && receipts) || hints.contains(.store)
        case .headline: return hints.contains(.store)
        default: return false
        }
    }
}

extension Namespace {
    /// XEP-0444
    static let reactions: Namespace = "urn:xmpp:reactions:0"
    /// XEP-0380
    static let encryptionName: Namespace = "urn:xmpp:eme:0"
    /// XEP-0384
    static let omemo: Namespace = "urn:xmpp:omemo:2"
    static let olderOMEMO: Namespace = "eu.siacs.conversations.axolotl"
}
