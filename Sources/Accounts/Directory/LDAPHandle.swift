import CLDAP
import Glibc

/// One libldap handle over a descriptor that is connected already. Belongs to one thread, never blocks.
struct LDAPHandle: ~Copyable {
    enum Event {
        case entry(id: Int32, DirectoryEntry)
        case completed(id: Int32, LDAPResult)
        /// A reference, or something nobody asked for.
        case ignored
        /// Nothing more has arrived.
        case nothing
    }

    private let pointer: OpaquePointer

    /// Takes the descriptor over, also when it throws.
    init(descriptor: CInt, maximumMessage: Int) throws(DirectoryFailure) {
        LDAPLibrary.prepare()
        // libldap would read the rest of a message in a blocking way.
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        // After a lost connection libldap connects by itself to the address it knows, in clear, and blocking:
        // it is given one that cannot exist.
        var handle: OpaquePointer?
        guard ldap_init_fd(descriptor, LDAP_PROTO_TCP, Self.nowhere, &handle) == LDAP_SUCCESS, let handle else {
            Glibc.close(descriptor)
            throw DirectoryFailure(.configuration, "libldap cannot be started")
        }
        pointer = handle
        var version = CInt(LDAP_VERSION3)
        ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &version)
        ldap_set_option(handle, LDAP_OPT_URI, Self.nowhere)
        // Referrals are followed anonymously and blocking.
        ldap_set_option(handle, LDAP_OPT_REFERRALS, nil)
        var buffer: OpaquePointer?
        ldap_get_option(handle, LDAP_OPT_SOCKBUF, &buffer)
        var maximum = ber_len_t(maximumMessage)
        ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &maximum)
    }

    deinit { ldap_unbind_ext(pointer, nil, nil) }

    private static let nowhere = "ldapi://%2Fnonexistent"

    /// Sends a request and returns its message id.
    func send(_ request: LDAPRequest) throws(DirectoryFailure) -> Int32 {
        var id: Int32 = 0
        let code: Int32
        switch request {
        case .bind(let name, let password):
            code = bind(name, password, &id)
        case .search(let search):
            code = Self.withCStrings(search.attributes) { attributes in
                ldap_search_ext(
                    pointer, search.base, Self.code(of: search.scope), search.filter, attributes, 0, nil, nil, nil,
                    Int32(search.sizeLimit), &id)
            }
        }
        switch code {
        case LDAP_SUCCESS: return id
        case LDAP_FILTER_ERROR, LDAP_PARAM_ERROR, LDAP_ENCODING_ERROR:
            throw DirectoryFailure(.configuration, "libldap refuses the request: \(Self.text(of: code))")
        default:
            // Only a socket pair is written to: if that failed nothing went on to the server.
            throw DirectoryFailure(.connectionLost, "the connection is closed")
        }
    }

    private func bind(_ name: String, _ password: [UInt8], _ id: inout Int32) -> Int32 {
        var control: UnsafeMutablePointer<LDAPControl>?
        ldap_create_passwordpolicy_control(pointer, &control)
        defer { if let control { ldap_control_free(control) } }
        var controls = [control, nil]
        return password.withUnsafeBytes { bytes in
            var value = berval(
                bv_len: ber_len_t(bytes.count),
                bv_val: UnsafeMutablePointer(mutating: bytes.assumingMemoryBound(to: CChar.self).baseAddress))
            return ldap_sasl_bind(pointer, name, nil, &value, &controls, nil, &id)
        }
    }

    func abandon(_ id: Int32) {
        ldap_abandon_ext(pointer, id, nil, nil)
    }

    /// What has arrived, without waiting. Throws when the connection is gone; the handle is then of no more use.
    func receive() throws(DirectoryFailure) -> Event {
        var message: OpaquePointer?
        var now = timeval(tv_sec: 0, tv_usec: 0)
        switch ldap_result(pointer, LDAP_RES_ANY, Int32(LDAP_MSG_ONE), &now, &message) {
        case -1: throw DirectoryFailure(.connectionLost, "the server closed the connection", mayHaveArrived: true)
        case 0: return .nothing
        case Int32(LDAP_RES_SEARCH_ENTRY):
            guard let message else { return .ignored }
            defer { ldap_msgfree(message) }
            return .entry(id: ldap_msgid(message), entry(in: message))
        case Int32(LDAP_RES_BIND), Int32(LDAP_RES_SEARCH_RESULT):
            guard let message else { return .ignored }
            defer { ldap_msgfree(message) }
            return .completed(id: ldap_msgid(message), try result(in: message))
        default:
            ldap_msgfree(message)
            return .ignored
        }
    }

    private func result(in message: OpaquePointer) throws(DirectoryFailure) -> LDAPResult {
        var code: Int32 = 0
        var diagnostic: UnsafeMutablePointer<CChar>?
        var controls: UnsafeMutablePointer<UnsafeMutablePointer<LDAPControl>?>?
        let parsed = ldap_parse_result(pointer, message, &code, nil, &diagnostic, nil, &controls, 0)
        defer {
            ldap_memfree(diagnostic)
            ldap_controls_free(controls)
        }
        guard parsed == LDAP_SUCCESS else {
            throw DirectoryFailure(.refused, "the server's answer cannot be decoded", mayHaveArrived: true)
        }
        return LDAPResult(
            code: code, diagnostic: diagnostic.map { String(cString: $0) } ?? "", policy: policyResponse(in: controls))
    }

    private func policyResponse(in controls: UnsafeMutablePointer<UnsafeMutablePointer<LDAPControl>?>?)
        -> PasswordPolicyResponse?
    {
        guard let controls, let control = ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, nil) else {
            return nil
        }
        var expires: ber_int_t = -1
        var grace: ber_int_t = -1
        var problem = PP_noError
        guard ldap_parse_passwordpolicy_control(pointer, control, &expires, &grace, &problem) == LDAP_SUCCESS else {
            return nil
        }
        var response = PasswordPolicyResponse()
        switch problem {
        case PP_noError: break
        case PP_passwordExpired: response.problem = .passwordExpired
        case PP_accountLocked: response.problem = .accountLocked
        case PP_changeAfterReset: response.problem = .changeAfterReset
        default: response.problem = .other
        }
        if expires >= 0 { response.expiresIn = expires }
        if grace >= 0 { response.graceLogins = grace }
        return response
    }

    private func entry(in message: OpaquePointer) -> DirectoryEntry {
        let dn = ldap_get_dn(pointer, message)
        defer { ldap_memfree(dn) }
        var values: [(String, [[UInt8]])] = []
        var position: OpaquePointer?
        var attribute = ldap_first_attribute(pointer, message, &position)
        while let name = attribute {
            if let list = ldap_get_values_len(pointer, message, name) {
                let count = Int(ldap_count_values_len(list))
                values.append((String(cString: name), (0..<count).compactMap { list[$0].map(Self.bytes) }))
                ldap_value_free_len(list)
            }
            ldap_memfree(name)
            attribute = ldap_next_attribute(pointer, message, position)
        }
        ber_free(position, 0)
        return DirectoryEntry(dn: dn.map { String(cString: $0) } ?? "", values: values)
    }

    private static func bytes(_ value: UnsafeMutablePointer<berval>) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: value.pointee.bv_val, count: Int(value.pointee.bv_len)))
    }

    /// libldap's words for an error of its own or a result code.
    static func text(of code: Int32) -> String {
        ldap_err2string(code).map { String(cString: $0) } ?? "error \(code)"
    }

    private static func code(of scope: DirectoryConfiguration.Scope) -> Int32 {
        switch scope {
        case .base: Int32(LDAP_SCOPE_BASE)
        case .oneLevel: Int32(LDAP_SCOPE_ONELEVEL)
        case .subtree: Int32(LDAP_SCOPE_SUBTREE)
        }
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeMutableBufferPointer { buffer in
            // Never empty: the list ends with nil.
            body(buffer.baseAddress.unsafelyUnwrapped)
        }
    }
}
