/// The owner of one OpenSSL connection: bytes in, plaintext and records out, no channel in sight (RFC 8446, RFC 5246).

import COpenSSL
import NIOCore

/// Belongs to the event loop of its handler.
final class SSLConnection {
    /// The result of bytes that arrived.
    struct Received {
        var handshakeCompleted = false
        var plaintext = ByteBuffer()
        var ending: Ending?

        enum Ending {
            case closeNotify
            case failure(TLSError)
        }
    }

    struct Rejection {
        /// X509_V_ERR_…
        let code: CInt
        /// The one of the chain that the code is about.
        let certificate: Certificate?
    }

    /// The plaintext of one record (RFC 8446 section 5.1).
    static let recordSize = 16_384
    /// What a record adds to its plaintext at most: header, explicit nonce, content type, tag.
    private static let recordOverhead = 5 + 8 + 1 + 16
    /// AES-GCM allows 2^24.5 records with one key (RFC 8446 section 5.5).
    static let recordsPerKey: UInt32 = 1 << 23

    let ssl: OpaquePointer
    private let cell: UnsafeMutablePointer<ByteBufferBIO>
    /// The context in use: with SNI not the one the connection began with.
    var context: TLSContext
    /// What the callbacks of a server's handshake ask; gone afterwards.
    var serverParameters: TLSServerParameters?
    /// The name that a client expects in the certificate.
    let expectedName: String?
    /// The first thing wrong with the peer's chain; OpenSSL itself would keep the last one.
    var rejection: Rejection?
    /// Whether the peer has asked for another handshake, which OpenSSL itself would only refuse.
    var peerRenegotiates = false
    private(set) var isEstablished = false
    private var recordsUntilKeyUpdate: UInt32

    init(server parameters: TLSServerParameters, recordsPerKey: UInt32 = recordsPerKey) throws(TLSError) {
        // Always begun with the fallback: the keys of its tickets serve all names.
        context = parameters.identities.fallback
        (ssl, cell) = try Self.open(context)
        expectedName = nil
        recordsUntilKeyUpdate = recordsPerKey
        serverParameters = parameters
        // Balanced in deinit; callbacks run only inside calls made by this object.
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        context.connectionOpened()
        SSL_set_accept_state(ssl)
        if parameters.clientCertificates == .requested {
            SSL_set_verify(ssl, SSL_VERIFY_PEER, Self.reportVerification)
            // Certificates of servers serve as client certificates between servers, and authorities no longer
            // put the purpose "client" into them.
            SSL_set_purpose(ssl, X509_PURPOSE_ANY)
        }
    }

    init(client parameters: TLSClientParameters, recordsPerKey: UInt32 = recordsPerKey) throws(TLSError) {
        context = parameters.context
        (ssl, cell) = try Self.open(context)
        let name = parameters.serverName.normalizedDomain
        expectedName = name
        recordsUntilKeyUpdate = recordsPerKey
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        context.connectionOpened()
        SSL_set_connect_state(ssl)
        let isAddress = IPAddress.isLiteral(name)
        if !isAddress, !name.isEmpty {
            guard COpenSSL_SSL_set_tlsext_host_name(ssl, name) == 1 else {
                throw .fromLibrary(.nameInvalid, "the server name \(name) cannot be asked for by SNI")
            }
        }
        switch parameters.policy {
        case .required:
            SSL_set_verify(ssl, SSL_VERIFY_PEER, Self.requireVerification)
            let rules = SSL_get0_param(ssl)
            X509_VERIFY_PARAM_set_hostflags(rules, Certificate.nameRules)
            let accepted =
                isAddress
                ? X509_VERIFY_PARAM_set1_ip_asc(rules, name)
                : X509_VERIFY_PARAM_set1_host(rules, name, name.utf8.count)
            // An empty name would switch the check off.
            guard accepted == 1, !name.isEmpty else {
                throw .fromLibrary(.nameInvalid, "the server name '\(name)' cannot be looked for in a certificate")
            }
        case .reported:
            SSL_set_verify(ssl, SSL_VERIFY_PEER, Self.reportVerification)
        case .ignored:
            SSL_set_verify(ssl, SSL_VERIFY_NONE, nil)
        }
        let protocols = parameters.protocols.wire
        if !protocols.isEmpty { SSL_set_alpn_protos(ssl, protocols, CUnsignedInt(protocols.count)) }
        if let session = parameters.session, session.serverName == name,
            session.isVerified || parameters.policy != .required
        {
            SSL_set_session(ssl, session.pointer)
        }
    }

    deinit {
        // A session ended without close_notify may be resumed all the same (RFC 8446 section 6.1).
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        SSL_free(ssl)
        cell.deinitialize(count: 1)
        cell.deallocate()
        context.connectionClosed()
    }

    private static func open(
        _ context: TLSContext
    ) throws(TLSError) -> (OpaquePointer, UnsafeMutablePointer<ByteBufferBIO>) {
        TLSError.clearQueue()
        guard let ssl = SSL_new(context.pointer) else { throw .fromLibrary(.internal, "OpenSSL gives no connection") }
        let cell = UnsafeMutablePointer<ByteBufferBIO>.allocate(capacity: 1)
        cell.initialize(to: ByteBufferBIO())
        guard let bio = ByteBufferBIO.bio(over: cell) else {
            SSL_free(ssl)
            cell.deinitialize(count: 1)
            cell.deallocate()
            throw .fromLibrary(.internal, "OpenSSL gives no BIO")
        }
        SSL_set_bio(ssl, bio, bio)
        return (ssl, cell)
    }

    /// Takes the first step of a client.
    func start() -> Received {
        receive(ByteBuffer())
    }

    /// Feeds records from the peer: goes on with the handshake, then decrypts. All of `bytes` is consumed; the start of
    /// a record waits inside OpenSSL for its rest.
    func receive(_ bytes: ByteBuffer) -> Received {
        TLSError.clearQueue()
        var received = Received()
        bytes.withUnsafeReadableBytes { input in
            cell.pointee.input = input
            defer { cell.pointee.input = UnsafeRawBufferPointer(start: nil, count: 0) }
            if !isEstablished {
                handshake(&received)
            }
            if isEstablished {
                decrypt(&received)
            }
        }
        return received
    }

    /// Encrypts `plaintext` into records, which `takeOutput` returns.
    func encrypt(_ plaintext: ByteBuffer) throws(TLSError) {
        TLSError.clearQueue()
        let records = (plaintext.readableBytes + Self.recordSize - 1) / Self.recordSize
        cell.pointee.output.reserveCapacity(
            minimumWritableBytes: plaintext.readableBytes + records * Self.recordOverhead)
        let isComplete = plaintext.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                updateKeyIfWorn()
                let record = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.recordSize))
                let count = SSL_write(ssl, record.baseAddress, CInt(record.count))
                guard count > 0 else { return false }
                rest = rest.dropFirst(Int(count))
            }
            return true
        }
        if !isComplete { throw failure() }
    }

    /// Ends the own direction.
    func writeCloseNotify() {
        TLSError.clearQueue()
        SSL_shutdown(ssl)
        TLSError.clearQueue()
    }

    /// The records to be sent; the connection keeps no buffer.
    func takeOutput() -> ByteBuffer {
        guard cell.pointee.output.readableBytes > 0 else { return ByteBuffer() }
        let output = cell.pointee.output
        cell.pointee.output = ByteBuffer()
        return output
    }

    private func handshake(_ received: inout Received) {
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            isEstablished = true
            received.handshakeCompleted = true
            serverParameters = nil
        } else if SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ {
            received.ending = .failure(failure())
        }
    }

    private func decrypt(_ received: inout Received) {
        // With neither input nor a rest of a record there is nothing to ask for, and asking costs a buffer.
        while cell.pointee.input.count > 0 || SSL_pending(ssl) > 0 {
            if received.plaintext.writableBytes == 0 {
                received.plaintext.reserveCapacity(
                    minimumWritableBytes: max(cell.pointee.input.count, Int(SSL_pending(ssl))))
            }
            var result: CInt = 0
            received.plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: 1) { target in
                result = SSL_read(ssl, target.baseAddress, CInt(clamping: target.count))
                return Int(max(0, result))
            }
            guard result <= 0 else { continue }
            // RFC 6120 section 5.3.5: close at once.
            if peerRenegotiates {
                received.ending = .failure(TLSError(.protocolViolation, "the peer wants to renegotiate"))
                return
            }
            switch SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ:
                continue
            case SSL_ERROR_ZERO_RETURN:
                // What follows a close_notify is no part of the connection (RFC 8446 section 6.1).
                received.ending = .closeNotify
                return
            default:
                received.ending = .failure(failure())
                return
            }
        }
    }

    private func updateKeyIfWorn() {
        recordsUntilKeyUpdate -= 1
        guard recordsUntilKeyUpdate == 0 else { return }
        recordsUntilKeyUpdate = Self.recordsPerKey
        if SSL_version(ssl) == TLS1_3_VERSION { SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) }
    }

    private func failure() -> TLSError {
        .fromQueue(rejection: rejection, expectedName: expectedName)
    }
}
