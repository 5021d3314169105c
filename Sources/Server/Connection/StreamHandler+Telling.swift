internal import Logging
internal import NIOCore
internal import Synchronization
internal import TLS
internal import XMPP

/// What a stream tells of itself: to the log, and to its peer.
extension StreamHandler {
    /// Writes a log line that names the stream, if lines of that level are wanted.
    func log(
        _ level: Logger.Level, _ message: @autoclosure () -> Logger.Message,
        _ metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        guard level >= kernel.logger.logLevel else { return }
        var metadata = metadata()
        metadata[LogKeys.stream] = "\(id)"
        if let authenticated { metadata[LogKeys.account] = "\(authenticated)" }
        kernel.logger.log(level: level, message(), metadata: metadata)
    }

    /// What may be negotiated now (RFC 6120 §4.3.2).
    var featureList: ByteBuffer { loop.featureLists.list(for: self) }

    /// RFC 6120 §4.9.3.19: not "until after the confidentiality and integrity of the stream have been protected".
    var movedTo: StreamError? {
        guard machine.facts.contains(.secure), let domain = machine.domain,
            let host = kernel.domain(domain)?.movedTo
        else { return nil }
        return StreamError(.seeOtherHost, otherHost: host.description)
    }

    /// 22 characters of base 64 without padding: 128 random bits.
    static func randomID() -> String {
        let bytes = randomPool.withLock { $0.take(16) }
        return String(decoding: Base64.encode(bytes).dropLast(2), as: UTF8.self)
    }

    private static let randomPool = Mutex(RandomPool())
}
