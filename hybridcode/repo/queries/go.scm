; Definitions. The first pattern that names a place rules its kind.

(function_declaration name: (identifier) @name) @definition.function
(method_declaration
  receiver: (parameter_list (parameter_declaration type: (_) @type))
  name: (field_identifier) @name) @definition.method
(type_spec name: (type_identifier) @name type: (struct_type)) @definition.class
(type_spec name: (type_identifier) @name type: (interface_type)) @definition.interface
(type_spec name: (type_identifier) @name) @definition.type
(type_alias name: (type_identifier) @name) @definition.type
(source_file (const_declaration (const_spec (identifier) @name) @definition.constant))
(source_file (var_declaration (var_spec (identifier) @name) @definition.constant))
(source_file (var_declaration (var_spec_list (var_spec (identifier) @name) @definition.constant)))

(func_literal) @local

(type_declaration . [(type_spec) (type_alias)] @of .) @extent
(const_declaration . (const_spec) @of .) @extent
(var_declaration . (var_spec) @of .) @extent

; References

(call_expression function: [
  (identifier) @reference.call
  (selector_expression field: (field_identifier) @reference.call)
  (index_expression operand: [
    (identifier) @reference.call
    (selector_expression field: (field_identifier) @reference.call)
  ])
])
(type_identifier) @reference.type

; Imports

(import_spec path: (_ (_) @import))
