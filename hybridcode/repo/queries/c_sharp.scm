; Definitions

(namespace_declaration name: (_) @name) @definition.module
(file_scoped_namespace_declaration name: (_) @name) @definition.module
(class_declaration name: (identifier) @name) @definition.class
(struct_declaration name: (identifier) @name) @definition.class
(record_declaration name: (identifier) @name) @definition.class
(interface_declaration name: (identifier) @name) @definition.interface
(enum_declaration name: (identifier) @name) @definition.enum
(delegate_declaration name: (identifier) @name) @definition.type
(method_declaration name: (identifier) @name) @definition.function
(constructor_declaration name: (identifier) @name) @definition.function
(local_function_statement name: (identifier) @name) @definition.function
(property_declaration name: (identifier) @name) @definition.constant
(event_declaration name: (identifier) @name) @definition.constant
(field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @definition.constant
(event_field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @definition.constant

; References

(invocation_expression function: [
  (identifier) @reference.call
  (generic_name . (identifier) @reference.call)
  (member_access_expression name: [(identifier) @reference.call (generic_name . (identifier) @reference.call)])
  (conditional_access_expression
    (member_binding_expression name: [(identifier) @reference.call (generic_name . (identifier) @reference.call)]))
])
(object_creation_expression type: [
  (identifier) @reference.call
  (generic_name . (identifier) @reference.call)
  (qualified_name name: (identifier) @reference.call)
])
((member_access_expression expression: (identifier) @reference.type) (#match? @reference.type "^[A-Z]"))
(base_list [
  (identifier) @reference.base
  (generic_name . (identifier) @reference.base)
  (qualified_name name: (identifier) @reference.base)
])
(attribute name: [(identifier) @reference.decorator (qualified_name name: (identifier) @reference.decorator)])
(parameter type: [(identifier) @reference.type (generic_name . (identifier) @reference.type)])
(method_declaration returns: [(identifier) @reference.type (generic_name . (identifier) @reference.type)])
(property_declaration type: [(identifier) @reference.type (generic_name . (identifier) @reference.type)])
(variable_declaration type: [(identifier) @reference.type (generic_name . (identifier) @reference.type)])
(nullable_type type: [(identifier) @reference.type (generic_name . (identifier) @reference.type)])
(array_type type: [(identifier) @reference.type (generic_name . (identifier) @reference.type)])
(cast_expression type: (identifier) @reference.type)
(as_expression right: (identifier) @reference.type)
(typeof_expression type: (identifier) @reference.type)
(catch_declaration type: (identifier) @reference.type)
(declaration_pattern type: (identifier) @reference.type)
(type_argument_list (identifier) @reference.type)
(type_parameter_constraint type: (identifier) @reference.type)

; Imports

(using_directive [(identifier) (qualified_name)] @import .)
