internal import Foundation
internal import GRDBSQLite

/// A disk that fails on request: SQLite's own file system with a switch for each folder.
///
/// It becomes SQLite's default for the whole test process and changes nothing for folders without a fault.
package enum FaultyDisk {
    package enum Fault: String, Sendable {
        /// Writes find no space.
        case full
        /// What was written cannot be brought to the disk.
        case unsyncable
        /// Bringing it to the disk takes a while.
        case slow
        /// Bringing it to the disk does not end before the fault does.
        case stuck
    }

    /// An open file: where it is, and SQLite's own functions for it.
    private struct OpenFile {
        let path: String
        let methods: UnsafePointer<sqlite3_io_methods>
    }

    private struct State {
        var faults: [String: Fault] = [:]
        var files: [UnsafeMutablePointer<sqlite3_file>: OpenFile] = [:]
        /// For each table of SQLite's functions (it has several) the one that asks for faults first.
        var wrappers: [UnsafePointer<sqlite3_io_methods>: UnsafePointer<sqlite3_io_methods>] = [:]
    }

    // Guarded by `lock`; the pointers in it keep it from being Sendable.
    nonisolated(unsafe) private static var state = State()
    private static let lock = NSLock()

    /// Puts itself between SQLite and the system, once. To be called before the database is opened.
    package static func install() {
        _ = installation
    }

    package static func setFault(_ fault: Fault?, below folder: String) {
        lock.withLock { state.faults[folder] = fault }
    }

    private static let installation: Void = {
        guard let system = sqlite3_vfs_find("unix") else { return }
        let disk = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        disk.initialize(to: system.pointee)
        disk.pointee.pNext = nil
        disk.pointee.zName = UnsafePointer(strdup("faulty"))
        disk.pointee.xOpen = { _, name, file, flags, outFlags in
            guard let system = sqlite3_vfs_find("unix") else { return SQLITE_CANTOPEN }
            let code = system.pointee.xOpen(system, name, file, flags, outFlags)
            if code == SQLITE_OK, let name, let file { FaultyDisk.wrap(file, path: String(cString: name)) }
            return code
        }
        sqlite3_vfs_register(disk, 1)
    }()

    private static func wrap(_ file: UnsafeMutablePointer<sqlite3_file>, path: String) {
        guard let methods = file.pointee.pMethods else { return }
        lock.withLock {
            state.files[file] = OpenFile(path: path, methods: methods)
            if state.wrappers[methods] == nil { state.wrappers[methods] = UnsafePointer(wrapper(of: methods)) }
            file.pointee.pMethods = state.wrappers[methods]
        }
    }

    private static func wrapper(
        of methods: UnsafePointer<sqlite3_io_methods>
    ) -> UnsafeMutablePointer<sqlite3_io_methods> {
        let wrapper = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        wrapper.initialize(to: methods.pointee)
        wrapper.pointee.xWrite = { file, bytes, count, offset in
            let (methods, fault) = FaultyDisk.find(file)
            return fault == .full ? SQLITE_FULL : methods?.pointee.xWrite(file, bytes, count, offset) ?? SQLITE_IOERR
        }
        wrapper.pointee.xSync = { file, flags in
            let (methods, fault) = FaultyDisk.find(file)
            if fault == .slow { usleep(20_000) }
            while FaultyDisk.find(file).fault == .stuck { usleep(1_000) }
            return fault == .unsyncable ? SQLITE_IOERR | (4 << 8) : methods?.pointee.xSync(file, flags) ?? SQLITE_IOERR
        }
        wrapper.pointee.xClose = { file in
            let (methods, _) = FaultyDisk.find(file)
            if let file { FaultyDisk.lock.withLock { FaultyDisk.state.files[file] = nil } }
            return methods?.pointee.xClose(file) ?? SQLITE_IOERR
        }
        return wrapper
    }

    private static func find(
        _ file: UnsafeMutablePointer<sqlite3_file>?
    ) -> (methods: UnsafePointer<sqlite3_io_methods>?, fault: Fault?) {
        lock.withLock {
            guard let file, let open = state.files[file] else { return (nil, nil) }
            return (open.methods, state.faults.first { open.path.hasPrefix($0.key) }?.value)
        }
    }
}
