internal import Logging
internal import Server
internal import Storage
internal import XMPP

extension Archive {
    /// Does a part of the tidying, and tells the administrator if that is not possible.
    func tidy(_ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            kernel.logger.error("An archive cannot be tidied.", metadata: [LogKeys.reason: "\(error)"])
        }
    }

    /// Removes the archives of accounts that are gone.
    func removeArchives() async throws {
        let removals = try await kernel.database.read { transaction in
            try transaction.rows("SELECT account, place FROM archive_removals LIMIT 100") { row in
                (account: try row.text(0), place: try row.integer(1))
            }
        }
        for removal in removals {
            try await kernel.archive.remove(of: removal.account, before: ArchivePlace(number: Int64(removal.place)))
            try await kernel.database.write { transaction in
                // Unless it was removed once more meanwhile.
                try transaction.execute(
                    "DELETE FROM archive_removals WHERE account = $1 AND place = $2",
                    [.text(removal.account), .integer(removal.place)])
            }
        }
    }

    /// Removes what has been kept long enough.
    func expire() async throws {
        let now = kernel.clock.date.milliseconds
        if let longest = rules.longest(of: kernel.domains.count) {
            try await kernel.archive.expire(domains: [], before: ArchivePlace(firstOf: now - longest), isEverybody: true)
        }
        for (domain, keep) in rules.limited {
            try await kernel.archive.expire(
                domains: [domain.description], before: ArchivePlace(firstOf: now - keep), isEverybody: false)
        }
    }
}
