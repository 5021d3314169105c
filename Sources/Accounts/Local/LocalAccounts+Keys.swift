internal import Foundation
package import Storage
package import TLS
package import XMPP

/// Keys that are not made from a password here.
extension LocalAccounts {
    /// The hash functions that there are keys for.
    /// - Parameter localpart: prepared; nil, and of no account, those of accounts made here.
    package func hashes(of localpart: String?) -> Set<Hash> {
        localpart.flatMap { oldKeys[$0] } ?? allHashes
    }

    /// Reads again which accounts have old keys.
    package func loadOldKeys() async throws(StorageError) {
        oldKeys.replace(by: try await database.read { [domain] in try $0.oldKeys(of: domain) })
    }

    /// Makes an account with keys from elsewhere.
    /// - Parameter localpart: prepared.
    package func add(_ localpart: String, keys: [Hash: ScramKeys]) async throws(AccountError) {
        let areOld = !Set(keys.keys).isSuperset(of: parameters.hashes)
        let account = Account(
            localpart: localpart, isAdministrator: false, isDisabled: false,
            created: Int(Date().timeIntervalSince1970))
        do throws(StorageError) {
            try await database.write { [domain] transaction in
                try transaction.insert(account, of: domain)
                try transaction.replaceKeys(of: localpart, domain: domain, by: keys)
                try transaction.noteKeys(of: localpart, domain: domain, areOld: areOld)
                try transaction.raiseRevision(of: domain)
            }
        } catch .constraint(.unique, _) {
            throw .exists
        } catch {
            throw .storage(error)
        }
        oldKeys[localpart] = areOld ? Set(keys.keys) : nil
    }

    /// Keeps keys for a hash function that an account had none for; those it has stay (XEP-0480 §5).
    /// - Parameter localpart: prepared.
    package func add(_ keys: ScramKeys, for hash: Hash, of localpart: String) async throws(AccountError) {
        let known: Set<Hash>?
        do throws(StorageError) {
            known = try await database.write { [domain, parameters] transaction in
                guard try transaction.account(localpart, of: domain) != nil else { return nil }
                try transaction.insert(keys, for: hash, of: localpart, domain: domain)
                let known = Set(try transaction.keys(of: localpart, domain: domain).keys)
                try transaction.noteKeys(
                    of: localpart, domain: domain, areOld: !known.isSuperset(of: parameters.hashes))
                return known
            }
        } catch {
            throw .storage(error)
        }
        guard let known else { throw .unknown }
        oldKeys[localpart] = known.isSuperset(of: parameters.hashes) ? nil : known
    }

    /// What keys are made with.
    package var keyParameters: KeyParameters { parameters }
}
