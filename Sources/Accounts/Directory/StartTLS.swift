import NIOCore

/// The StartTLS operation's two messages (RFC 4511, section 4.14).
enum StartTLS {
    /// LDAPMessage { messageID 1, extendedReq { requestName 1.3.6.1.4.1.1466.20037 } }
    static let request: [UInt8] = {
        let name = Array("1.3.6.1.4.1.1466.20037".utf8)
        let operation = [0x80, UInt8(name.count)] + name
        let body = [0x02, 0x01, 0x01, 0x77, UInt8(operation.count)] + operation
        return [0x30, UInt8(body.count)] + body
    }()

    /// Whether the server agreed; false while its answer is not complete.
    static func isAccepted(by bytes: ByteBuffer) throws(DirectoryFailure) -> Bool {
        var rest = bytes
        guard var message = try element(0x30, in: &rest) else { return false }
        guard rest.readableBytes == 0 else {
            throw DirectoryFailure(.tls, "the server sent more than the answer to StartTLS before TLS was on")
        }
        guard var id = try element(0x02, in: &message), id.readInteger(as: UInt8.self) == 1, id.readableBytes == 0,
            var response = try element(0x78, in: &message),
            var code = try element(0x0A, in: &response), let result = code.readInteger(as: UInt8.self),
            code.readableBytes == 0
        else { throw notAnAnswer }
        guard result == 0 else {
            _ = try element(0x04, in: &response)
            let text = try element(0x04, in: &response).map { String(buffer: $0) } ?? ""
            let words = text.isEmpty ? LDAPHandle.text(of: Int32(result)) : text
            throw DirectoryFailure(
                .tls, "the server refuses StartTLS (\(words)); give it a certificate, or use ldaps://")
        }
        return true
    }

    private static let notAnAnswer = DirectoryFailure(.tls, "the server's answer to StartTLS is not LDAP")

    /// One BER element; nil while it is not complete.
    private static func element(_ tag: UInt8, in buffer: inout ByteBuffer) throws(DirectoryFailure) -> ByteBuffer? {
        var rest = buffer
        guard let found = rest.readInteger(as: UInt8.self) else { return nil }
        guard found == tag else { throw notAnAnswer }
        guard var length = rest.readInteger(as: UInt8.self).map(Int.init) else { return nil }
        if length >= 0x80 {
            guard 0x81...0x84 ~= length else { throw notAnAnswer }
            guard let digits = rest.readBytes(length: length & 0x7F) else { return nil }
            length = digits.reduce(0) { $0 << 8 | Int($1) }
        }
        guard length <= 4096 else { throw notAnAnswer }
        guard let content = rest.readSlice(length: length) else { return nil }
        buffer = rest
        return content
    }
}
