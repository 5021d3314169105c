extension DataForm {
    /// Reads `<x xmlns='jabber:x:data'/>`; nil for what is no form. Fields without a name are left out.
    package init?(_ element: Element) {
        guard element.isNamed("x", in: .dataForms), let kind = element["type"].flatMap(Kind.init(rawValue:)) else { return nil }
        self.kind = kind
        fields = []
        for field in element.children where field.isNamed("field", in: .dataForms) {
            guard let name = field["var"] else { continue }
            let values = field.children.filter { $0.isNamed("value", in: .dataForms) }.map(\.text)
            fields.append(Field(name, type: field["type"], values: values))
        }
    }

    /// What the form is about (XEP-0068 §3.1).
    package var formType: String? { self["FORM_TYPE"]?.first }

    /// The values of a field; nil if the form has no such field.
    package subscript(_ name: String) -> [String]? { fields.first { $0.name == name }?.values }
}
