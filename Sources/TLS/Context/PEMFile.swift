/// The content of a PEM file (RFC 7468) together with the name under which errors about it are reported.

import COpenSSL
import Glibc

struct PEMFile {
    static let maximumSize = 1 << 20

    let path: String
    let bytes: [UInt8]
    /// Whether every user of the machine may read the file.
    var isReadableByAll = false

    init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    /// Reads the file; `purpose` says in errors what it is for ("certificate", "private key").
    init(reading path: String, purpose: String) throws(TLSError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.error(errno, path: path, purpose: purpose) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.error(errno, path: path, purpose: purpose) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw TLSError(.fileUnreadable, "\(path): the \(purpose) must be a regular file")
        }
        guard status.st_size <= Self.maximumSize else {
            throw TLSError(.notPEM, "\(path): too large for a \(purpose) (\(status.st_size) bytes)")
        }
        var content = [UInt8]()
        var chunk = [UInt8](repeating: 0, count: 8192)
        while content.count <= Self.maximumSize {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.error(errno, path: path, purpose: purpose) }
            if count == 0 { break }
            content += chunk[..<count]
        }
        self.path = path
        bytes = content
        isReadableByAll = status.st_mode & S_IROTH != 0
    }

    /// All certificates of the file, in its order.
    func certificates() throws(TLSError) -> [Certificate] {
        let found = withReader { reader in
            var certificates = [Certificate]()
            while let pointer = PEM_read_bio_X509_AUX(reader, nil, nil, nil) {
                certificates.append(Certificate(owning: pointer))
            }
            let end = ERR_peek_last_error()
            ERR_clear_error()
            let isComplete = ERR_GET_LIB(end) == ERR_LIB_PEM && ERR_GET_REASON(end) == PEM_R_NO_START_LINE
            return (certificates, isComplete)
        }
        guard found.1 else {
            throw TLSError(
                .notPEM,
                "\(path): certificate \(found.0.count + 1) in the file is damaged; export the chain in PEM form again")
        }
        guard !found.0.isEmpty else {
            throw TLSError(
                .notPEM,
                contains("PRIVATE KEY-----")
                    ? "\(path): holds a private key but no certificate; are certificate and key exchanged?"
                    : "\(path): holds no certificate in PEM form (a line -----BEGIN CERTIFICATE----- is missing)")
        }
        return found.0
    }

    /// The private key of the file.
    func privateKey() throws(TLSError) -> OpaquePointer {
        let (key, isEncrypted) = withReader { reader in
            var asked = false
            let key = PEM_read_bio_PrivateKey(
                reader, nil,
                { _, _, _, asked in
                    asked?.assumingMemoryBound(to: Bool.self).pointee = true
                    return -1
                }, &asked)
            ERR_clear_error()
            return (key, asked)
        }
        if let key { return key }
        if isEncrypted {
            throw TLSError(
                .keyEncrypted,
                "\(path): the private key is encrypted; write it without a passphrase "
                    + "(openssl pkey -in \(path) -out NEW) and protect the file by its permissions")
        }
        throw TLSError(
            .notPEM,
            contains("-----BEGIN CERTIFICATE-----") && !contains("PRIVATE KEY-----")
                ? "\(path): holds a certificate but no private key; are certificate and key exchanged?"
                : "\(path): holds no usable private key in PEM form (-----BEGIN PRIVATE KEY----- is missing or damaged)"
        )
    }

    private func contains(_ marker: String) -> Bool {
        String(decoding: bytes, as: UTF8.self).contains(marker)
    }

    private func withReader<T>(_ body: (OpaquePointer?) -> T) -> T {
        OpenSSLLibrary.prepare()
        return bytes.withUnsafeBytes { content in
            let reader = BIO_new_mem_buf(content.baseAddress ?? UnsafeRawPointer(bitPattern: 1), CInt(content.count))
            defer { BIO_free(reader) }
            return body(reader)
        }
    }

    private static func error(_ code: CInt, path: String, purpose: String) -> TLSError {
        switch code {
        case ENOENT, ENOTDIR:
            TLSError(.fileMissing, "\(path): the \(purpose) file does not exist; correct the path or create the file")
        case EACCES, EPERM:
            TLSError(
                .fileUnreadable,
                "\(path): the \(purpose) file may not be read by the server's user (uid \(geteuid())); "
                    + "give it read permission (chown or chmod, and execute permission on the folders above)")
        default:
            TLSError(.fileUnreadable, "\(path): the \(purpose) file cannot be read: \(String(cString: strerror(code)))")
        }
    }
}
