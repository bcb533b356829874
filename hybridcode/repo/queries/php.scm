; Definitions

(namespace_definition name: (_) @name) @definition.module
(class_declaration name: (name) @name) @definition.class
(interface_declaration name: (name) @name) @definition.interface
(trait_declaration name: (name) @name) @definition.class
(enum_declaration name: (name) @name) @definition.enum
(function_definition name: (name) @name) @definition.function
(method_declaration name: (name) @name) @definition.function
(property_declaration (property_element name: (variable_name (name) @name))) @definition.constant
(const_declaration (const_element . (name) @name)) @definition.constant

(anonymous_function) @local

; References

(function_call_expression function: [(name) @reference.call (qualified_name (name) @reference.call .)])
(member_call_expression name: (name) @reference.call)
(nullsafe_member_call_expression name: (name) @reference.call)
(scoped_call_expression name: (name) @reference.call)
(scoped_call_expression scope: [(name) @reference.type (qualified_name (name) @reference.type .)])
(class_constant_access_expression . [(name) @reference.type (qualified_name (name) @reference.type .)])
(object_creation_expression [(name) @reference.call (qualified_name (name) @reference.call .)])
(named_type [(name) @reference.type (qualified_name (name) @reference.type .)])
(base_clause [(name) @reference.base (qualified_name (name) @reference.base .)])
(class_interface_clause [(name) @reference.base (qualified_name (name) @reference.base .)])
(use_declaration [(name) @reference.base (qualified_name (name) @reference.base .)])
(attribute . [(name) @reference.decorator (qualified_name (name) @reference.decorator .)])
(binary_expression operator: "instanceof" right: [(name) @reference.type (qualified_name (name) @reference.type .)])
(namespace_use_clause . [(name) @reference.import (qualified_name (name) @reference.import .)])

; Imports

(namespace_use_declaration) @import
(include_expression [(_ (string_content) @import) (_ (_ (string_content) @import))])
(include_once_expression [(_ (string_content) @import) (_ (_ (string_content) @import))])
(require_expression [(_ (string_content) @import) (_ (_ (string_content) @import))])
(require_once_expression [(_ (string_content) @import) (_ (_ (string_content) @import))])
