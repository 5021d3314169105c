import Glibc

/// What one reading of a configuration file shares: the file, and the mistakes found so far.
final class ConfigurationReading {
    let file: String
    private let directory: String
    private(set) var errors: [ConfigurationError] = []

    init(file: String) {
        self.file = file
        directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
    }

    /// The mistakes in the order of the file.
    var sortedErrors: [ConfigurationError] {
        let start = TextPosition(line: 0, column: 0)
        let sorted = errors.enumerated().sorted {
            ($0.element.position ?? start, $0.offset) < ($1.element.position ?? start, $1.offset)
        }
        return sorted.map(\.element)
    }

    func report(_ position: TextPosition?, _ message: String) {
        errors.append(ConfigurationError(file: file, position: position, message: message))
    }

    /// A path of the file, which is relative to the file itself.
    func resolve(_ path: String) -> String {
        path.hasPrefix("/") ? path : directory + path
    }

    /// A path to a file that must be readable now; reported otherwise.
    func readableFile(_ path: String, at position: TextPosition, as name: String) -> String {
        let resolved = resolve(path)
        if path.isEmpty {
            report(position, "\(name) must be the name of a file, not \"\"")
        } else if access(resolved, R_OK) != 0 {
            let reason = String(cString: strerror(errno))
            report(
                position,
                "\(name): cannot read \"\(YAMLNode.shortened(resolved))\" (\(reason)); the path is relative to this file"
            )
        }
        return resolved
    }
}
