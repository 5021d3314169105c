internal import Foundation
internal import Synchronization

/// The folder that holds the database files, and the lock that keeps a second server out of it.
///
/// The lock is a `flock` on `NAME.lock`, gone with the process that holds it. Commands do not take it: they work
/// while the server runs, side by side in SQLite's own locks.
final class DataDirectory: Sendable {
    let file: String
    private let lock: Mutex<CInt?>

    /// - Throws: `.unusable`, `.full`, `.inUse`; an existing file is not touched.
    init(_ directory: String, name: String, role: Database.Role) throws(StorageError) {
        file = "\(directory)/\(name).db"
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            // Foundation's error does not say which system error it was; asking for the folder does.
            throw Self.failure(directory, mkdir(directory, 0o700) == 0 ? EIO : errno)
        }
        guard access(directory, R_OK | W_OK | X_OK) == 0 else { throw Self.failure(directory, errno) }
        lock = Mutex(role == .command ? nil : try Self.lock("\(directory)/\(name).lock", for: file, role))
        do {
            try Self.create(file)
        } catch {
            release()
            throw error
        }
    }

    deinit {
        release()
    }

    /// Lets the next server in.
    func release() {
        guard let descriptor = lock.withLock({ $0.take() }) else { return }
        // Closing is not enough while a child process that was just forked shares the descriptor.
        flock(descriptor, LOCK_UN)
        Foundation.close(descriptor)
    }

    /// Accounts' secrets are in there: made for the owner alone. SQLite gives its side files the same mode.
    private static func create(_ file: String) throws(StorageError) {
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(file, errno) }
        Foundation.close(descriptor)
    }

    /// How long a server waits for a command that is about to end, in hundredths of a second.
    private static let patience = 100

    private static func lock(_ path: String, for file: String, _ role: Database.Role) throws(StorageError) -> CInt {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path, errno) }
        var left = role == .server ? patience : 0
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let error = errno
            if error == EWOULDBLOCK, left > 0 {
                left -= 1
                usleep(10_000)
                continue
            }
            Foundation.close(descriptor)
            guard error == EWOULDBLOCK else { throw failure(path, error) }
            throw .inUse("\(file) is in use by another server: stop that one, or give this one another directory")
        }
        return descriptor
    }

    private static func failure(_ path: String, _ code: CInt) -> StorageError {
        let reason = String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT: return .full("\(path): \(reason)")
        case EIO: return .io("\(path): \(reason)")
        case ENOTDIR, EEXIST: return .unusable("\(path): a part of this path is a file; name a folder")
        default: return .unusable("\(path): \(reason); give it to the user this server runs as, or name another folder")
        }
    }
}
