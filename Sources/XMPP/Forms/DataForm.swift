/// A form of typed fields (XEP-0004), as much of it as the server itself writes.
package struct DataForm: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case form, submit, cancel, result
    }

    package struct Field: Sendable, Equatable {
        package var name: String
        /// The field's type, such as `text-single`; nil leaves it out.
        package var type: String?
        package var label: String?
        package var values: [String]
        /// What can be chosen from, in a list.
        package var options: [String] = []
        package var isRequired = false

        package init(_ name: String, type: String? = nil, label: String? = nil, _ values: String...) {
            self.init(name, type: type, label: label, values: values)
        }

        package init(_ name: String, type: String? = nil, label: String? = nil, values: [String]) {
            self.name = name
            self.type = type
            self.label = label
            self.values = values
        }
    }

    package var kind: Kind
    package var fields: [Field]

    /// - Parameter formType: the value of the hidden field `FORM_TYPE` (XEP-0068).
    package init(_ kind: Kind, formType: String, _ fields: [Field]) {
        self.kind = kind
        self.fields = [Field("FORM_TYPE", type: "hidden", formType)] + fields
    }

    package func write(into writer: inout XMLWriter) {
        writer.element("x", in: .dataForms, ["type": kind.rawValue]) { writer in
            for field in fields {
                writer.element("field", ["var": field.name, "type": field.type, "label": field.label]) { writer in
                    if field.isRequired { writer.element("required") }
                    for value in field.values { writer.element("value", text: value) }
                    for option in field.options {
                        writer.element("option") { $0.element("value", text: option) }
                    }
                }
            }
        }
    }
}

extension Namespace {
    /// XEP-0004
    package static let dataForms: Namespace = "jabber:x:data"
}
