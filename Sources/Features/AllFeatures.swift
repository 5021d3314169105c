package import Server

/// Every extension of the server. A new one is a file beside this one and a line here.
package let allFeatures: [any Feature.Type] = [
    ServiceDiscovery.self,
    EntityCapabilities.self,
    SoftwareVersion.self,
    EntityTime.self,
    LastActivity.self,
    ContactAddresses.self,
    VCard.self,
    PrivateStorage.self,
    Blocking.self,
    InBandRegistration.self,
    OfflineMessages.self,
    Ping.self,
    Rosters.self,
    Subscriptions.self,
    Presences.self,
]
