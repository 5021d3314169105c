package import Server

/// Every extension of the server. A new one is a file beside this one and a line here.
///
/// In this order hooks of the same phase see a stanza: blocking comes before all that would answer a blocked address.
package let allFeatures: [any Feature.Type] = [
    Blocking.self,
    ServiceDiscovery.self,
    EntityCapabilities.self,
    SoftwareVersion.self,
    EntityTime.self,
    LastActivity.self,
    ContactAddresses.self,
    VCard.self,
    PrivateStorage.self,
    InBandRegistration.self,
    StanzaIdentifiers.self,
    Archive.self,
    Carbons.self,
    OfflineMessages.self,
    EscapedLocalparts.self,
    Ping.self,
    Rosters.self,
    Subscriptions.self,
    Presences.self,
    PubSub.self,
    Bookmarks.self,
    Avatars.self,
    DisplayedSynchronization.self,
    MultiUserChat.self,
    Push.self,
    AbuseReports.self,
]
