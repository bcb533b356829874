; What only C++ has.

(class_specifier name: (_) @name body: (_)) @definition.class
(class_specifier name: (_) body: (_ [(field_declaration) (declaration)] @definition.declaration))
(class_specifier name: (_) body: (_ (_ (field_declaration) @definition.declaration)))
(struct_specifier name: (_) body: (_ (declaration) @definition.declaration))
(class_specifier name: (_) body: (_ (template_declaration (declaration) @definition.declaration)))
(template_declaration (declaration) @definition.declaration)
(namespace_definition name: (_) @name) @definition.module
(alias_declaration name: (_) @name) @definition.type
(concept_definition name: (_) @name) @definition.type

(template_declaration
  [
    (function_definition)
    (declaration)
    (class_specifier)
    (struct_specifier)
    (union_specifier)
    (alias_declaration)
    (concept_definition)
  ] @of) @extent

; References

(call_expression function: [
  (template_function name: (identifier) @reference.call)
  (qualified_identifier name: [
    (identifier) @reference.call
    (template_function name: (identifier) @reference.call)
    (qualified_identifier name: [
      (identifier) @reference.call
      (template_function name: (identifier) @reference.call)
    ])
  ])
])
(qualified_identifier scope: (namespace_identifier) @reference.type)
(using_declaration (qualified_identifier name: (identifier) @reference.import))
