/// Which names existed when the directory was last asked, for a short time and a bounded number of names.
struct ExistenceCache: Sendable {
    private struct Memory {
        let exists: Bool
        let until: ContinuousClock.Instant
    }

    private let lifetimes: (existing: Duration, unknown: Duration)
    private let capacity: Int
    /// Two generations: when the newer is full the older is forgotten.
    private var newer: [String: Memory] = [:]
    private var older: [String: Memory] = [:]

    init(_ limits: DirectoryConfiguration.Limits) {
        lifetimes = (limits.rememberExisting, limits.rememberUnknown)
        capacity = limits.rememberedNames
    }

    /// nil when the directory must be asked.
    func exists(_ name: String, at now: ContinuousClock.Instant) -> Bool? {
        guard let memory = newer[name] ?? older[name], now < memory.until else { return nil }
        return memory.exists
    }

    mutating func remember(_ name: String, exists: Bool, at now: ContinuousClock.Instant) {
        if newer.count >= max(1, capacity / 2), newer[name] == nil {
            older = capacity > 1 ? newer : [:]
            newer = [:]
        }
        newer[name] = Memory(exists: exists, until: now + (exists ? lifetimes.existing : lifetimes.unknown))
    }

    var count: Int { newer.count + older.count }
}
