package import XMPP

extension AccountState {
    private static let rosterSlot = AccountSlot(Roster())

    /// The account's contacts, read from storage when the account is loaded.
    package var roster: Roster {
        get { self[Self.rosterSlot] }
        _modify { yield &self[Self.rosterSlot] }
    }
}

extension Account {
    /// Whether the account receives a contact's presence, or has asked to.
    package func isSubscribed(to contact: JID) -> Bool {
        withState { $0.roster[contact].map { $0.subscription.to || $0.subscription.pendingOut } ?? false }
    }

    /// Whether a contact receives the account's presence; that is the contact's right to know of it.
    package func isSubscribed(by contact: JID) -> Bool {
        withState { $0.roster[contact]?.subscription.from ?? false }
    }
}
