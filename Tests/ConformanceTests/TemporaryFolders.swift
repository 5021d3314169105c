import Foundation
import Synchronization

/// Folders that are removed when the test process ends.
enum TemporaryFolders {
    private static let folders = Mutex<[String]>([])
    private static let registered: Void = { atexit { TemporaryFolders.removeAll() } }()

    static func removeAtExit(_ folder: String) {
        _ = registered
        folders.withLock { $0.append(folder) }
    }

    private static func removeAll() {
        for folder in folders.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: folder) }
    }
}
