import Glibc

/// Reads a configuration file from disk.
enum ConfigurationFile {
    struct Problem: Error {
        let message: String
    }

    /// Far more than any configuration, far less than a file named by mistake.
    private static let largest = 4 << 20

    static func read(_ path: String) throws(Problem) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw problem(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw problem(errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw Problem(message: "is a directory; name the configuration file in it")
        default: throw Problem(message: "is not a file; name a configuration file")
        }
        guard status.st_size <= largest else {
            throw Problem(message: "is larger than 4M; is it a configuration file?")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= largest {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw problem(errno)
            }
            bytes += chunk[..<count]
        }
        throw Problem(message: "is larger than 4M; is it a configuration file?")
    }

    private static func problem(_ code: Int32) -> Problem {
        switch code {
        case ENOENT, ENOTDIR:
            Problem(
                message:
                    "does not exist; copy conf/martlet.yaml there and change it, or name another file with --config")
        case EACCES, EPERM:
            Problem(
                message:
                    "cannot be read (\(String(cString: strerror(code)))); give the user that runs the server the right to read it"
            )
        default:
            Problem(message: "cannot be read (\(String(cString: strerror(code))))")
        }
    }
}
